-- The newest commands first, those before v_before. A txn begins with its time, so the key's order is theirs.
CREATE OR REPLACE FUNCTION command_recent(v_workspace uuid, v_before uuid, v_limit int) RETURNS TABLE (txn uuid, type text, at_us bigint, outcome text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT c.txn, c.type, (extract(epoch FROM c.at) * 1000000)::bigint, c.outcome::text
    FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn < coalesce(v_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    ORDER BY c.txn DESC LIMIT v_limit
$$;

ALTER FUNCTION command_recent OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_recent FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_recent TO usher_ingest;
