-- Workspaces of a partition with a large command whose slices are under way: what the partition's owner goes on with.
CREATE OR REPLACE FUNCTION slices_of(v_partition int) RETURNS TABLE (workspace_id uuid, txn uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT s.workspace_id, s.txn FROM slices s WHERE s.partition = v_partition ORDER BY s.txn
$$;

ALTER FUNCTION slices_of OWNER TO usher_gate;
REVOKE ALL ON FUNCTION slices_of FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION slices_of TO usher_worker;
