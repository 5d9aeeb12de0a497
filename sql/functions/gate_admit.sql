-- Many tokens in, one row for each that is known. A token is that of an API key, the one before the key's last rotation for
-- as long as both are good, or an owner's.
--
-- Rate: buckets of 250 ms; the window is the current bucket and the 240 before it, so that no 60 s ever hold more than the
-- limit. All units are granted or none where whole says so (the operations of a Bulk). retry_after: seconds until one unit
-- is free, or all where whole says so. remaining: what is left afterwards. reset: seconds until the oldest unit leaves the
-- window.
--
-- Credentials are taken in the order of their ids, so that two ingests never wait for each other in a circle. last_used is
-- kept with the counter: it costs no write of its own.
CREATE OR REPLACE FUNCTION gate_admit(hashes bytea[], units int[], whole boolean[] DEFAULT NULL)
RETURNS TABLE (n int, workspace_id uuid, workspace_name text, key_id uuid, key_name text, scopes text, dialect text, state text,
               granted int, rate_limit int, retry_after int, seats_used bigint, seats_limit bigint, require_email boolean,
               kind text, role text, networks text, expires bigint, remaining int, reset int, require_sso boolean, sso_ready boolean, strictness text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    c refcursor;
    k record;
    v_head bigint;
    v_oldest bigint;
    v_slots int[];
    v_total bigint;
    v_now_us bigint;
    v_bucket bigint;
    v_give bigint;
    v_need bigint;
    v_slot int; -- (loops count in int, bucket numbers are beyond that)
BEGIN
    OPEN c FOR -- nearly always all are keys by their present token, and looking nowhere else costs a third less
        SELECT a.n::int AS n, units[a.n] AS units, coalesce(whole[a.n], false) AS whole, 'key' AS kind, NULL::text AS role, y.workspace_id, y.id, y.name,
               y.scopes, y.dialect, y.rate_limit, y.networks, y.expires, y.revoked, NULL::timestamptz AS old_until, w.name AS workspace_name, w.rate_limit AS default_rate,
               w.seats_used, w.require_email, w.require_sso, w.sso_ready, w.strictness,
               CASE WHEN w.seat_mode = 'on_provision' AND NOT w.link_by_email THEN w.seats_limit END AS seats_limit -- else creation may take no seat: nothing to refuse early
        FROM unnest(hashes) WITH ORDINALITY AS a (hash, n)
        LEFT JOIN LATERAL (SELECT * FROM keys x WHERE x.token_hash = a.hash OFFSET 0) y ON true -- OFFSET 0: by index, whatever the statistics say
        LEFT JOIN LATERAL (SELECT * FROM workspaces x WHERE x.workspace_id = y.workspace_id OFFSET 0) w ON true
        ORDER BY y.id IS NULL DESC, y.workspace_id, y.id;
    LOOP
        FETCH c INTO k;
        EXIT WHEN NOT FOUND;
        IF k.id IS NULL THEN -- comes first, so nothing is counted yet: look everywhere
            CLOSE c;
            OPEN c FOR
                SELECT a.n::int AS n, units[a.n] AS units, coalesce(whole[a.n], false) AS whole, y.kind, y.role, y.workspace_id, y.id, y.name,
                       y.scopes, y.dialect, y.rate_limit, y.networks, y.expires, y.revoked, y.old_until, w.name AS workspace_name, w.rate_limit AS default_rate,
                       w.seats_used, w.require_email, w.require_sso, w.sso_ready, w.strictness,
                       CASE WHEN w.seat_mode = 'on_provision' AND NOT w.link_by_email THEN w.seats_limit END AS seats_limit -- else creation may take no seat: nothing to refuse early
                FROM unnest(hashes) WITH ORDINALITY AS a (hash, n)
                CROSS JOIN LATERAL ( -- the first that fits; LIMIT keeps each a look-up by index
                    (SELECT 'key' AS kind, NULL::text AS role, x.workspace_id, x.id, x.name, x.scopes, x.dialect, x.rate_limit, x.networks, x.expires, x.revoked,
                            NULL::timestamptz AS old_until
                     FROM keys x WHERE x.token_hash = a.hash LIMIT 1)
                    UNION ALL
                    (SELECT 'key', NULL, x.workspace_id, x.id, x.name, x.scopes, x.dialect, x.rate_limit, x.networks, x.expires, x.revoked, coalesce(x.old_until, '-infinity')
                     FROM keys x WHERE x.old_token_hash = a.hash LIMIT 1)
                    UNION ALL
                    (SELECT 'owner', x.role, x.workspace_id, x.id, x.name, '{}', 'rfc', 600, NULL, x.expires, x.revoked, NULL
                     FROM owners x WHERE x.token_hash = a.hash LIMIT 1)
                    LIMIT 1) y
                CROSS JOIN LATERAL (SELECT * FROM workspaces x WHERE x.workspace_id = y.workspace_id OFFSET 0) w
                ORDER BY y.workspace_id, y.id;
            CONTINUE;
        END IF;
        n := k.n; workspace_id := k.workspace_id; workspace_name := k.workspace_name; key_id := k.id; key_name := k.name; kind := k.kind; role := k.role;
        scopes := array_to_string(k.scopes, ' '); dialect := k.dialect; networks := array_to_string(k.networks, ' ');
        rate_limit := coalesce(k.rate_limit, k.default_rate);
        expires := (extract(epoch FROM least(k.expires, nullif(k.old_until, '-infinity'))) * 1000000)::bigint;
        seats_used := k.seats_used; seats_limit := k.seats_limit; require_email := k.require_email;
        require_sso := k.require_sso; sso_ready := k.sso_ready; strictness := k.strictness;
        granted := 0; retry_after := 1; remaining := 0; reset := 1;
        state := CASE WHEN k.revoked IS NOT NULL THEN 'revoked' WHEN k.expires <= clock_timestamp() THEN 'expired'
                      WHEN k.old_until <= clock_timestamp() THEN 'rotated' ELSE 'ok' END;
        IF state <> 'ok' THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT x.head, x.oldest, x.slots, x.total INTO v_head, v_oldest, v_slots, v_total
        FROM key_rates x WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO key_rates (workspace_id, key_id, head, slots, total, last_used)
            VALUES (k.workspace_id, k.id, 0, array_fill(0, ARRAY[256]), 0, clock_timestamp())
            ON CONFLICT DO NOTHING;
            SELECT x.head, x.oldest, x.slots, x.total INTO v_head, v_oldest, v_slots, v_total
            FROM key_rates x WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id FOR UPDATE;
        END IF;
        v_now_us := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint; -- read after the lock: buckets never go back
        v_bucket := greatest(v_now_us / 250000, v_head);
        IF v_bucket - v_head > 240 THEN
            v_slots := array_fill(0, ARRAY[256]);
            v_total := 0;
        ELSE
            FOR i IN 1 .. (v_bucket - v_head)::int LOOP -- each step forward lets one bucket out
                v_slot := ((v_head + i - 241) & 255) + 1;
                v_total := v_total - v_slots[v_slot];
                v_slots[v_slot] := 0;
            END LOOP;
        END IF;
        v_give := greatest(least(k.units::bigint, rate_limit - v_total), 0);
        IF k.whole AND v_give < k.units THEN
            v_give := 0;
        END IF;
        v_total := v_total + v_give;
        v_slot := (v_bucket & 255) + 1;
        v_slots[v_slot] := v_slots[v_slot] + v_give::int;
        v_oldest := CASE WHEN v_total = 0 THEN v_bucket ELSE greatest(v_oldest, v_bucket - 240) END;
        WHILE v_oldest < v_bucket AND v_slots[(v_oldest & 255)::int + 1] = 0 LOOP -- no bucket is passed twice
            v_oldest := v_oldest + 1;
        END LOOP;
        remaining := greatest(rate_limit - v_total, 0)::int;
        reset := greatest(ceil(((v_oldest + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
        IF v_give < k.units THEN
            v_need := greatest(v_total - rate_limit + CASE WHEN k.whole THEN k.units ELSE 1 END, 1); -- units that must leave before enough are free
            FOR i IN (v_oldest - v_bucket)::int .. 0 LOOP
                v_need := v_need - v_slots[((v_bucket + i) & 255) + 1];
                IF v_need <= 0 THEN
                    retry_after := greatest(ceil(((v_bucket + i + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
                    EXIT;
                END IF;
            END LOOP;
        END IF;
        UPDATE key_rates x SET head = v_bucket, oldest = v_oldest, slots = v_slots, total = v_total, last_used = clock_timestamp()
        WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id;
        granted := v_give::int;
        RETURN NEXT;
    END LOOP;
    CLOSE c;
END $$;

ALTER FUNCTION gate_admit OWNER TO usher_gate;
REVOKE ALL ON FUNCTION gate_admit FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION gate_admit TO usher_ingest;
