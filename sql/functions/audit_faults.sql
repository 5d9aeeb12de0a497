-- How many trees of these partitions have stopped, and of how many no head is signed any more.
CREATE OR REPLACE FUNCTION audit_faults(v_partitions int[]) RETURNS TABLE (stopped bigint, refused bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT count(t.stopped), count(t.refused) FROM audit_tree t
    WHERE t.partition = ANY (v_partitions) AND (t.stopped IS NOT NULL OR t.refused IS NOT NULL)
$$;

ALTER FUNCTION audit_faults OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_faults FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_faults TO usher_worker;
