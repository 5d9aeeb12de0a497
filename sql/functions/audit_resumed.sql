-- Trees of these partitions that have stopped and shall go on (audit_resume.sql).
CREATE OR REPLACE FUNCTION audit_resumed(v_partitions int[])
RETURNS TABLE (workspace_id uuid, tree smallint, partition int, why text, seq bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT t.workspace_id, t.tree, t.partition, t.resumes, t.resume_seq FROM audit_tree t
    WHERE t.partition = ANY (v_partitions) AND t.stopped IS NOT NULL AND t.resumes IS NOT NULL
    ORDER BY t.workspace_id, t.tree LIMIT 100
$$;

ALTER FUNCTION audit_resumed OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_resumed FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_resumed TO usher_worker;
