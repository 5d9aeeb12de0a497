-- Takes an assertion of a key, by the hash of its jti: true the first time, whichever ingest asks, and false from then on.
--
-- An assertion stands in the partition of its request's day, so the table's key does not keep it from standing there twice; the lock
-- does. Asking again under one txn (a round trip whose answer was lost) is the same request, and is true again.
CREATE OR REPLACE FUNCTION assertion_claim(v_workspace uuid, v_key uuid, v_jti bytea, v_txn uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_first uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(7006, hashtext(v_key::text || encode(v_jti, 'hex')));
    SELECT a.txn INTO v_first FROM assertions a WHERE a.workspace_id = v_workspace AND a.key_id = v_key AND a.jti_hash = v_jti LIMIT 1;
    IF FOUND THEN
        RETURN v_first = v_txn;
    END IF;
    INSERT INTO assertions (workspace_id, key_id, jti_hash, txn) VALUES (v_workspace, v_key, v_jti, v_txn);
    RETURN true;
END $$;

ALTER FUNCTION assertion_claim OWNER TO usher_gate;
REVOKE ALL ON FUNCTION assertion_claim FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION assertion_claim TO usher_ingest;
