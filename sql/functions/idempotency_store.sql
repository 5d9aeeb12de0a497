-- Keeps the answer before it is sent. v_status NULL: nothing was done, and the key is free again. Where two requests did the
-- same under one txn, the first answer that comes here is the answer of both: the other request is given it back.
CREATE OR REPLACE FUNCTION idempotency_store(v_workspace uuid, v_key uuid, v_idem text, v_txn uuid, v_status int, v_headers text, v_content text,
    OUT status int, OUT headers text, OUT content text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    SELECT x.status, x.headers::text, x.content INTO status, headers, content FROM idempotency x
    WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem AND x.txn = v_txn FOR UPDATE;
    IF NOT FOUND OR status IS NOT NULL THEN
        RETURN;
    END IF;
    IF v_status IS NULL THEN
        DELETE FROM idempotency x
        WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem AND x.txn = v_txn;
    ELSE
        UPDATE idempotency x SET status = v_status, headers = v_headers::json, content = v_content
        WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem AND x.txn = v_txn;
    END IF;
END $$;

ALTER FUNCTION idempotency_store OWNER TO usher_gate;
REVOKE ALL ON FUNCTION idempotency_store FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION idempotency_store TO usher_ingest;
