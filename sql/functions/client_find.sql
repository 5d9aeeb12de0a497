-- The key that an OAuth client names, and what its assertions are checked with. The workspace is not known yet, so row-level
-- security cannot say whose row it is. The hash goes into access tokens (ops/runtime/access_token.h); it opens nothing by itself.
-- Whether the key is revoked or expired is asked for afterwards, as of every request (gate_admit).
CREATE OR REPLACE FUNCTION client_find(v_key uuid,
    OUT workspace_id uuid, OUT workspace_name text, OUT token_hash bytea, OUT jwks text, OUT jwks_uri text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT k.workspace_id, w.name, k.token_hash, k.jwks::text, k.jwks_uri
    FROM keys k
    CROSS JOIN LATERAL (SELECT x.name FROM workspaces x WHERE x.workspace_id = k.workspace_id ORDER BY x.generation DESC LIMIT 1) w
    WHERE k.id = v_key
    LIMIT 1
$$;

ALTER FUNCTION client_find OWNER TO usher_gate;
REVOKE ALL ON FUNCTION client_find FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION client_find TO usher_ingest;
