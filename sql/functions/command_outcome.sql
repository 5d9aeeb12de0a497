-- The stored outcome of one command. known: its txn is claimed. outcome NULL: it was cancelled.
CREATE OR REPLACE FUNCTION command_outcome(v_workspace uuid, v_txn uuid, OUT known boolean, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    SELECT true, c.outcome::text INTO known, outcome FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = v_txn;
    known := coalesce(known, false);
END $$;

ALTER FUNCTION command_outcome OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_outcome FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_outcome TO usher_ingest, usher_worker;
