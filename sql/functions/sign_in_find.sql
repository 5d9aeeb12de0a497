-- How people sign in to the portal of the workspace with this id or name, and the hashes of the tokens of the owners who are on
-- its list. Who asks has no credential yet, so row-level security cannot say whose row it is. A hash opens nothing by itself;
-- whether an owner is revoked or expired is asked for afterwards, as of every request (gate_admit).
CREATE OR REPLACE FUNCTION sign_in_find(v_workspace text,
    OUT workspace_id uuid, OUT doc text, OUT secret text, OUT owners text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 1 SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_id uuid;
BEGIN
    IF v_workspace ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN
        v_id := v_workspace::uuid;
    ELSE
        SELECT w.workspace_id INTO v_id FROM workspaces w WHERE w.name = v_workspace ORDER BY w.generation DESC LIMIT 1;
    END IF;
    RETURN QUERY
    SELECT s.workspace_id, s.doc::text, s.secret,
           (SELECT coalesce(json_object_agg(o.id, encode(o.token_hash, 'hex')), '{}')::text FROM owners o
            WHERE o.workspace_id = s.workspace_id
              AND o.id IN (SELECT (p->>'owner')::uuid FROM json_array_elements(s.doc->'people') p))
    FROM sign_in s
    WHERE s.workspace_id = v_id;
END $$;

ALTER FUNCTION sign_in_find OWNER TO usher_gate;
REVOKE ALL ON FUNCTION sign_in_find FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION sign_in_find TO usher_ingest;
