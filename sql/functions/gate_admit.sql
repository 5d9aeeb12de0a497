-- Many tokens in, one row for each that is known. A token is that of an API key, the one before the key's last rotation for
-- as long as both are good, or an owner's.
--
-- units: how many rate units are to be counted here; none for what the ingest has leased before. whole, wants,
-- ended, backs, buckets: see gate_take.
--
-- Credentials are taken in the order of their ids, so that two ingests never wait for each other in a circle. last_used is
-- kept with the counter: it costs no write of its own.
CREATE OR REPLACE FUNCTION gate_admit(hashes bytea[], units int[], whole boolean[] DEFAULT NULL, wants int[] DEFAULT NULL,
    ended int[] DEFAULT NULL, backs int[] DEFAULT NULL, buckets bigint[] DEFAULT NULL)
RETURNS TABLE (n int, workspace_id uuid, workspace_name text, key_id uuid, key_name text, scopes text, dialect text, state text,
               granted int, rate_limit int, retry_after int, seats_used bigint, seats_limit bigint, require_email boolean,
               kind text, role text, networks text, expires bigint, remaining int, reset int, require_sso boolean, sso_ready boolean, strictness text,
               lease int, lease_bucket bigint, wait_ms int, passwords boolean, managed_lock boolean, pass text, pass_id uuid, pass_key uuid, pass_guide text, dry_run boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT k.n, k.workspace_id, k.workspace_name, k.id, k.name, array_to_string(k.scopes, ' '), k.dialect, k.state,
           t.granted, k.rate_limit, t.retry_after, k.seats_used, k.seats_limit, k.require_email,
           k.kind, k.role, array_to_string(k.networks, ' '),
           (extract(epoch FROM least(k.expires, nullif(k.old_until, '-infinity'))) * 1000000)::bigint,
           t.remaining, t.reset, k.require_sso, k.sso_ready, k.strictness, t.lease, t.lease_bucket, t.wait_ms, k.passwords,
           k.managed_lock, k.pass, k.pass_id, k.pass_key, k.pass_guide, k.dry_run
    FROM (
        SELECT a.n::int AS n, y.*, w.name AS workspace_name, coalesce(y.own_rate, w.rate_limit) AS rate_limit,
               w.require_email, w.require_sso, w.sso_ready, w.strictness, w.passwords, w.managed_lock, w.seats_used,
               CASE WHEN w.seat_mode = 'on_provision' AND NOT w.link_by_email THEN w.seats_limit END AS seats_limit, -- else creation may take no seat: nothing to refuse early
               CASE WHEN y.revoked IS NOT NULL THEN 'revoked' WHEN y.expires <= clock_timestamp() THEN 'expired'
                    WHEN y.old_until <= clock_timestamp() THEN 'rotated' ELSE 'ok' END AS state
        FROM unnest(hashes) WITH ORDINALITY AS a (hash, n)
        CROSS JOIN LATERAL ( -- the first that fits; LIMIT keeps each a look-up by index, whatever the statistics say
            (SELECT 'key' AS kind, NULL::text AS role, x.workspace_id, x.id, x.name, x.scopes, x.dialect, x.rate_limit AS own_rate, x.networks, x.expires, x.revoked,
                    NULL::timestamptz AS old_until, NULL::text AS pass, NULL::uuid AS pass_id, NULL::uuid AS pass_key, NULL::text AS pass_guide, x.dry_since IS NOT NULL AS dry_run
             FROM keys x WHERE x.token_hash = a.hash LIMIT 1)
            UNION ALL
            (SELECT 'key', NULL, x.workspace_id, x.id, x.name, x.scopes, x.dialect, x.rate_limit, x.networks, x.expires, x.revoked, coalesce(x.old_until, '-infinity'), NULL, NULL, NULL, NULL, x.dry_since IS NOT NULL
             FROM keys x WHERE x.old_token_hash = a.hash LIMIT 1)
            UNION ALL
            (SELECT 'owner', x.role, x.workspace_id, x.id, x.name, '{}', 'rfc', 600, NULL, x.expires, x.revoked, NULL, NULL, NULL, NULL, NULL, false
             FROM owners x WHERE x.token_hash = a.hash LIMIT 1)
            UNION ALL
            (SELECT 'owner', f.role, f.workspace_id, f.owner_id, f.owner_name, '{}', 'rfc', 600, NULL, f.expires, f.revoked, NULL, f.pass, f.pass_id, f.pass_key, f.pass_guide, false
             FROM pass_find(a.hash) f LIMIT 1)
            LIMIT 1) y
        CROSS JOIN LATERAL (SELECT * FROM workspaces x WHERE x.workspace_id = y.workspace_id ORDER BY x.generation DESC LIMIT 1) w
        ORDER BY y.workspace_id, y.id
    ) k
    CROSS JOIN LATERAL gate_take(k.workspace_id, k.id, k.rate_limit, CASE WHEN k.state = 'ok' THEN units[k.n] ELSE 0 END,
                                 coalesce(whole[k.n], false), CASE WHEN k.state = 'ok' THEN coalesce(wants[k.n], 0) ELSE 0 END,
                                 coalesce(ended[k.n], 0), coalesce(backs[k.n], 0), buckets[k.n]) t;
END $$;

ALTER FUNCTION gate_admit OWNER TO usher_gate;
REVOKE ALL ON FUNCTION gate_admit FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION gate_admit TO usher_ingest;
