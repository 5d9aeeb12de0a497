-- What the Management API asks for: single commands and the recent ones, and repeated requests.

-- What became of one command. at_us: when it was decided.
CREATE FUNCTION command_find(v_workspace uuid, v_txn uuid) RETURNS TABLE (txn uuid, type text, at_us bigint, outcome text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT c.txn, c.type, (extract(epoch FROM c.at) * 1000000)::bigint, c.outcome::text
    FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = v_txn
$$;

-- The newest commands first. A txn begins with its time, so the key's order is theirs.
CREATE FUNCTION command_recent(v_workspace uuid, v_before uuid, v_limit int) RETURNS TABLE (txn uuid, type text, at_us bigint, outcome text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT c.txn, c.type, (extract(epoch FROM c.at) * 1000000)::bigint, c.outcome::text
    FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn < coalesce(v_before, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
    ORDER BY c.txn DESC LIMIT v_limit
$$;

-- A request with an Idempotency-Key wants to be done. verdict:
--   fresh    nobody has asked before: it is written down under v_txn, and may be done
--   again    somebody did the same and came to no answer, but its command may be in the log: it may be done under that txn, by which a worker knows it
--   running  somebody is doing it now
--   answered somebody did it; status, headers and content are the answer
--   other    the key was used for something else
-- A command that was cancelled at its deadline will never be applied: its key is free. v_stale: seconds after which nobody is doing it any more.
CREATE FUNCTION idempotency_claim(v_workspace uuid, v_key uuid, v_idem text, v_fingerprint bytea, v_txn uuid, v_stale double precision,
    OUT verdict text, OUT txn uuid, OUT status int, OUT headers text, OUT content text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    i record;
    v_known boolean;
    v_cancelled boolean;
BEGIN
    verdict := 'fresh';
    txn := v_txn;
    INSERT INTO idempotency AS x (workspace_id, key_id, idem_key, fingerprint, txn)
    VALUES (v_workspace, v_key, v_idem, v_fingerprint, v_txn) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT x.* INTO i FROM idempotency x WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem FOR UPDATE;
    IF NOT FOUND THEN -- given up by somebody this very moment
        verdict := 'running';
        RETURN;
    END IF;
    SELECT true, c.outcome IS NULL INTO v_known, v_cancelled FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = i.txn;
    IF i.created < now() - interval '24 hours' OR (i.status IS NULL AND v_cancelled AND i.fingerprint = v_fingerprint) THEN
        UPDATE idempotency x SET fingerprint = v_fingerprint, txn = v_txn, status = NULL, headers = NULL, content = NULL, created = now()
        WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem;
    ELSIF i.txn = v_txn AND i.status IS NULL THEN -- our own words, of which we did not hear whether they were kept
        NULL;
    ELSIF i.fingerprint <> v_fingerprint THEN
        verdict := 'other';
    ELSIF i.status IS NOT NULL THEN
        verdict := 'answered';
        txn := i.txn; status := i.status; headers := i.headers::text; content := i.content;
    ELSE
        verdict := CASE WHEN v_known OR i.created < clock_timestamp() - make_interval(secs => v_stale) THEN 'again' ELSE 'running' END;
        txn := i.txn;
    END IF;
END $$;

-- The answer, before it is sent; v_status NULL: nothing was done, the key is free again. Where two did the same under one txn, the first answer that comes here is
-- the one of both: to the other it is given back.
CREATE FUNCTION idempotency_store(v_workspace uuid, v_key uuid, v_idem text, v_txn uuid, v_status int, v_headers text, v_content text,
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
        DELETE FROM idempotency x WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem;
    ELSE
        UPDATE idempotency x SET status = v_status, headers = v_headers::json, content = v_content
        WHERE x.workspace_id = v_workspace AND x.key_id = v_key AND x.idem_key = v_idem;
    END IF;
END $$;

CREATE FUNCTION idempotency_prune(v_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_gone bigint := 0;
    v_rows bigint;
    w record;
BEGIN
    FOR w IN SELECT x.workspace_id FROM workspaces x LOOP
        DELETE FROM idempotency i WHERE (i.workspace_id, i.key_id, i.idem_key) IN
            (SELECT o.workspace_id, o.key_id, o.idem_key FROM idempotency o WHERE o.workspace_id = w.workspace_id AND o.created < now() - interval '24 hours'
             ORDER BY o.created LIMIT v_limit - v_gone);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_gone := v_gone + v_rows;
        EXIT WHEN v_gone >= v_limit;
    END LOOP;
    RETURN v_gone;
END $$;

GRANT INSERT, UPDATE ON idempotency TO usher_gate;
GRANT CREATE ON SCHEMA usher TO usher_gate;
DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['command_find(uuid, uuid)', 'command_recent(uuid, uuid, int)',
                             'idempotency_claim(uuid, uuid, text, bytea, uuid, double precision)',
                             'idempotency_store(uuid, uuid, text, uuid, int, text, text)', 'idempotency_prune(int)'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO usher_gate', f);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA usher FROM usher_gate;
GRANT EXECUTE ON FUNCTION command_find(uuid, uuid), command_recent(uuid, uuid, int),
    idempotency_claim(uuid, uuid, text, bytea, uuid, double precision),
    idempotency_store(uuid, uuid, text, uuid, int, text, text) TO usher_ingest;
GRANT EXECUTE ON FUNCTION idempotency_prune(int) TO usher_worker;
