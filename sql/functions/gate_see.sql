-- gate_admit for batches of which nothing is to be counted: their units are leased, or they have theirs already. Most
-- batches are so while a credential is busy and far from its limit. It locks and writes nothing, so each credential is read
-- by small statements, in any order: half of what the one statement of gate_admit costs.
CREATE OR REPLACE FUNCTION gate_see(hashes bytea[])
RETURNS TABLE (n int, workspace_id uuid, workspace_name text, key_id uuid, key_name text, scopes text, dialect text, state text,
               granted int, rate_limit int, retry_after int, seats_used bigint, seats_limit bigint, require_email boolean,
               kind text, role text, networks text, expires bigint, remaining int, reset int, require_sso boolean, sso_ready boolean, strictness text,
               lease int, lease_bucket bigint, wait_ms int, passwords boolean, managed_lock boolean, pass text, pass_id uuid, pass_key uuid, pass_guide text, dry_run boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_scopes text[];
    v_networks text[];
    v_rate int;
    v_expires timestamptz;
    v_revoked timestamptz;
    v_old_until timestamptz;
    v_oldest bigint;
    v_total bigint;
    v_now_us bigint;
BEGIN
    granted := 0; retry_after := 1; lease := 0; wait_ms := 0;
    FOR i IN 1 .. cardinality(hashes) LOOP
        n := i; kind := 'key'; role := NULL; v_old_until := NULL; pass := NULL; pass_id := NULL; pass_key := NULL; pass_guide := NULL; dry_run := false;
        SELECT x.workspace_id, x.id, x.name, x.scopes, x.dialect, x.rate_limit, x.networks, x.expires, x.revoked, x.dry_since IS NOT NULL
        INTO workspace_id, key_id, key_name, v_scopes, dialect, v_rate, v_networks, v_expires, v_revoked, dry_run
        FROM keys x WHERE x.token_hash = hashes[i] LIMIT 1;
        IF NOT FOUND THEN
            SELECT x.workspace_id, x.id, x.name, x.scopes, x.dialect, x.rate_limit, x.networks, x.expires, x.revoked, coalesce(x.old_until, '-infinity'), x.dry_since IS NOT NULL
            INTO workspace_id, key_id, key_name, v_scopes, dialect, v_rate, v_networks, v_expires, v_revoked, v_old_until, dry_run
            FROM keys x WHERE x.old_token_hash = hashes[i] LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            kind := 'owner'; dry_run := false;
            SELECT x.role, x.workspace_id, x.id, x.name, '{}', 'rfc', 600, NULL, x.expires, x.revoked
            INTO role, workspace_id, key_id, key_name, v_scopes, dialect, v_rate, v_networks, v_expires, v_revoked
            FROM owners x WHERE x.token_hash = hashes[i] LIMIT 1;
        END IF;
        IF NOT FOUND THEN
            SELECT f.role, f.workspace_id, f.owner_id, f.owner_name, '{}', 'rfc', 600, NULL, f.expires, f.revoked, f.pass, f.pass_id, f.pass_key, f.pass_guide
            INTO role, workspace_id, key_id, key_name, v_scopes, dialect, v_rate, v_networks, v_expires, v_revoked, pass, pass_id, pass_key, pass_guide
            FROM pass_find(hashes[i]) f;
        END IF;
        CONTINUE WHEN NOT FOUND;
        SELECT x.name, coalesce(v_rate, x.rate_limit), x.require_email, x.require_sso, x.sso_ready, x.strictness, x.passwords, x.managed_lock, x.seats_used,
               CASE WHEN x.seat_mode = 'on_provision' AND NOT x.link_by_email THEN x.seats_limit END -- as in gate_admit
        INTO workspace_name, rate_limit, require_email, require_sso, sso_ready, strictness, passwords, managed_lock, seats_used, seats_limit
        FROM workspaces x WHERE x.workspace_id = gate_see.workspace_id ORDER BY x.generation DESC LIMIT 1;
        CONTINUE WHEN NOT FOUND;
        SELECT x.oldest, x.total INTO v_oldest, v_total FROM key_rates x
        WHERE x.workspace_id = gate_see.workspace_id AND x.key_id = gate_see.key_id ORDER BY x.generation DESC LIMIT 1;
        v_now_us := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
        state := CASE WHEN v_revoked IS NOT NULL THEN 'revoked' WHEN v_expires <= clock_timestamp() THEN 'expired'
                      WHEN v_old_until <= clock_timestamp() THEN 'rotated' ELSE 'ok' END;
        scopes := array_to_string(v_scopes, ' ');
        networks := array_to_string(v_networks, ' ');
        expires := (extract(epoch FROM least(v_expires, nullif(v_old_until, '-infinity'))) * 1000000)::bigint;
        remaining := greatest(rate_limit - coalesce(v_total, 0), 0);
        reset := greatest(ceil(((greatest(v_oldest, v_now_us / 250000 - 240) + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
        RETURN NEXT;
    END LOOP;
END $$;

ALTER FUNCTION gate_see OWNER TO usher_gate;
REVOKE ALL ON FUNCTION gate_see FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION gate_see TO usher_ingest;
