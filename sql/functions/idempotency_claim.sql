-- A request with an Idempotency-Key wants to be done. verdict:
--   fresh    Nobody has asked before. It is written down under v_txn, and may be done.
--   again    Somebody did the same and came to no answer, but the command may be in the log. It may be done under that txn,
--            by which a worker knows it.
--   running  Somebody is doing it now.
--   answered Somebody did it: status, headers and content are the answer.
--   other    The key was used for another request.
-- A command that was cancelled at its deadline will never be applied: its key is free. v_stale: seconds after which nobody
-- is doing it any more.
--
-- A request stands in the partition of its txn's day, so the table's key does not keep a client's key from standing there
-- twice; the lock does.
CREATE OR REPLACE FUNCTION idempotency_claim(v_workspace uuid, v_key uuid, v_idem text, v_fingerprint bytea, v_txn uuid, v_stale double precision,
    OUT verdict text, OUT txn uuid, OUT status int, OUT headers text, OUT content text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    i record;
    v_known boolean;
    v_cancelled boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(7005, hashtext(v_key::text || v_idem));
    SELECT x.* INTO i FROM idempotency x WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem
    ORDER BY x.created DESC LIMIT 1 FOR UPDATE;
    IF FOUND THEN
        SELECT true, c.outcome IS NULL INTO v_known, v_cancelled FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = i.txn;
        IF i.created < now() - interval '24 hours' OR (i.status IS NULL AND v_cancelled AND i.fingerprint = v_fingerprint) THEN
            DELETE FROM idempotency x
            WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem AND x.txn = i.txn;
        ELSE
            txn := i.txn;
            IF i.txn = v_txn AND i.status IS NULL THEN -- our own words, of which we did not hear whether they were kept
                verdict := 'fresh';
            ELSIF i.fingerprint <> v_fingerprint THEN
                verdict := 'other';
                txn := v_txn;
            ELSIF i.status IS NOT NULL THEN
                verdict := 'answered';
                status := i.status; headers := i.headers::text; content := i.content;
            ELSE
                verdict := CASE WHEN v_known OR i.created < clock_timestamp() - make_interval(secs => v_stale) THEN 'again' ELSE 'running' END;
            END IF;
            RETURN;
        END IF;
    END IF;
    INSERT INTO idempotency (workspace_id, key_id, idem_key, fingerprint, txn)
    VALUES (v_workspace, v_key, v_idem, v_fingerprint, v_txn);
    verdict := 'fresh';
    txn := v_txn;
END $$;

ALTER FUNCTION idempotency_claim OWNER TO usher_gate;
REVOKE ALL ON FUNCTION idempotency_claim FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION idempotency_claim TO usher_ingest;
