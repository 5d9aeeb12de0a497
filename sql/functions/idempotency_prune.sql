-- Forgets the answers of yesterday, at most v_limit of them; gives their number.
CREATE OR REPLACE FUNCTION idempotency_prune(v_limit int) RETURNS bigint
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

ALTER FUNCTION idempotency_prune OWNER TO usher_gate;
REVOKE ALL ON FUNCTION idempotency_prune FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION idempotency_prune TO usher_worker;
