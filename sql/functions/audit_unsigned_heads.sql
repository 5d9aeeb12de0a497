-- Heads that are to be signed, as audit_unsigned gives them to programs of versions before, each with the number of its tree's origin.
CREATE OR REPLACE FUNCTION audit_unsigned_heads(v_partitions int[], v_seconds int, v_limit int)
RETURNS TABLE (workspace_id uuid, tree smallint, partition int, size bigint, origin int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT u.workspace_id, u.tree, u.partition, u.size,
           (SELECT z.origin FROM audit_tree z WHERE z.workspace_id = u.workspace_id AND z.tree = u.tree ORDER BY z.generation DESC LIMIT 1)
    FROM audit_unsigned(v_partitions, v_seconds, v_limit) u
$$;

ALTER FUNCTION audit_unsigned_heads OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_unsigned_heads FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_unsigned_heads TO usher_worker;
