-- Heads of trees that have grown since one was signed, those first that have waited longest.
CREATE OR REPLACE FUNCTION audit_unsigned(v_partitions int[], v_seconds int, v_limit int)
RETURNS TABLE (workspace_id uuid, tree smallint, partition int, size bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT t.workspace_id, t.tree, t.partition, t.size FROM audit_due d
    CROSS JOIN LATERAL (
        SELECT * FROM audit_tree z WHERE z.workspace_id = d.workspace_id AND z.tree = d.tree ORDER BY z.generation DESC LIMIT 1
    ) t
    WHERE d.partition = ANY (v_partitions) AND t.size > t.signed_size AND t.refused IS NULL
      AND (t.signed_at IS NULL OR t.signed_at < now() - make_interval(secs => v_seconds))
    ORDER BY t.signed_at NULLS FIRST LIMIT v_limit
$$;

ALTER FUNCTION audit_unsigned OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_unsigned FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_unsigned TO usher_worker;
