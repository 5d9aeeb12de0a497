-- The deadline's side of the race for a txn; the other side is a worker's transaction. The lock on the workspace's row puts
-- this before or after that transaction, never inside it. won: no worker will ever apply the command. Else outcome is what
-- the worker stored.
CREATE OR REPLACE FUNCTION command_cancel(v_workspace uuid, v_txn uuid, OUT won boolean, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = v_workspace ORDER BY w.generation DESC LIMIT 1 FOR NO KEY UPDATE;
    INSERT INTO command_log (workspace_id, txn, type) VALUES (v_workspace, v_txn, 'cancelled') ON CONFLICT DO NOTHING;
    SELECT c.outcome IS NULL, c.outcome::text INTO won, outcome
    FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = v_txn;
END $$;

ALTER FUNCTION command_cancel OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_cancel FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_cancel TO usher_ingest;
