-- What became of one command. at_us: when it was decided.
CREATE OR REPLACE FUNCTION command_find(v_workspace uuid, v_txn uuid) RETURNS TABLE (txn uuid, type text, at_us bigint, outcome text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT c.txn, c.type, (extract(epoch FROM c.at) * 1000000)::bigint, c.outcome::text
    FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = v_txn
$$;

ALTER FUNCTION command_find OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_find FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_find TO usher_ingest;
