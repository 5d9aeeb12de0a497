-- Revokes an owner's or administrator's credential as key_revoke_now does a key. 'revoked'; 'gone': it was not alive;
-- 'last': it is left alive, because somebody must be left who may do everything.
CREATE OR REPLACE FUNCTION owner_revoke_now(v_workspace uuid, v_owner uuid, v_by text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_role text;
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = v_workspace ORDER BY w.generation DESC LIMIT 1 FOR NO KEY UPDATE;
    SELECT o.role INTO v_role FROM owners o WHERE o.workspace_id = v_workspace AND o.id = v_owner AND o.revoked IS NULL;
    IF NOT FOUND THEN
        RETURN 'gone';
    END IF;
    IF v_role = 'owner' AND NOT EXISTS (SELECT FROM owners o WHERE o.workspace_id = v_workspace AND o.id <> v_owner AND o.role = 'owner'
                                        AND o.revoked IS NULL AND (o.expires > now()) IS NOT FALSE) THEN
        RETURN 'last';
    END IF;
    UPDATE owners o SET revoked = now(), revoked_by = v_by WHERE o.workspace_id = v_workspace AND o.id = v_owner;
    RETURN 'revoked';
END $$;

ALTER FUNCTION owner_revoke_now OWNER TO usher_gate;
REVOKE ALL ON FUNCTION owner_revoke_now FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION owner_revoke_now TO usher_ingest;
