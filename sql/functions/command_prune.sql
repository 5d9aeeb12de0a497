-- Forgets the outcomes of commands older than v_before, at most v_limit of them; gives their number. They must be older than
-- anything that usher.commands still holds: a command that came again after its row had gone would be applied again. A txn
-- begins with its time (UUIDv7), so the key's order is the order of age.
CREATE OR REPLACE FUNCTION command_prune(v_before timestamptz, v_limit int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_hex text := lpad(to_hex((extract(epoch FROM v_before) * 1000)::bigint), 12, '0');
    v_bound uuid := (substr(v_hex, 1, 8) || '-' || substr(v_hex, 9, 4) || '-7000-8000-000000000000')::uuid;
    v_gone bigint := 0;
    v_rows bigint;
    w record;
BEGIN
    FOR w IN SELECT x.workspace_id FROM workspaces x LOOP
        DELETE FROM command_log c WHERE c.workspace_id = w.workspace_id AND c.txn IN
            (SELECT o.txn FROM command_log o WHERE o.workspace_id = w.workspace_id AND o.txn < v_bound ORDER BY o.txn LIMIT v_limit - v_gone);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_gone := v_gone + v_rows;
        EXIT WHEN v_gone >= v_limit;
    END LOOP;
    RETURN v_gone;
END $$;

ALTER FUNCTION command_prune OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_prune FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_prune TO usher_worker;
