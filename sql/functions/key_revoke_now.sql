-- Revokes a key; it is dead from the moment this commits, also while the log is down. After that no worker applies a command
-- under the key: the lock on the workspace's row waits for the transaction that is under way. True if the key was alive.
CREATE OR REPLACE FUNCTION key_revoke_now(v_workspace uuid, v_key uuid, v_by text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = v_workspace ORDER BY w.generation DESC LIMIT 1 FOR NO KEY UPDATE;
    UPDATE keys y SET revoked = now(), revoked_by = v_by WHERE y.workspace_id = v_workspace AND y.id = v_key AND y.revoked IS NULL;
    RETURN FOUND;
END $$;

ALTER FUNCTION key_revoke_now OWNER TO usher_gate;
REVOKE ALL ON FUNCTION key_revoke_now FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION key_revoke_now TO usher_ingest;
