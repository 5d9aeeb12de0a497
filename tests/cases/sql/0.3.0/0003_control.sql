-- Who may do what: owners, keys with networks and rotation, settings, logins, the guard against mass changes, repeated requests.

ALTER TABLE workspaces
    ADD COLUMN link_by_email boolean NOT NULL DEFAULT false,
    ADD COLUMN require_sso   boolean NOT NULL DEFAULT false,
    ADD COLUMN sso_ready     boolean NOT NULL DEFAULT false,
    ADD COLUMN strictness    text NOT NULL DEFAULT 'standard' CHECK (strictness IN ('standard', 'strict')),
    ADD COLUMN guard_mode    text NOT NULL DEFAULT 'off' CHECK (guard_mode IN ('off', 'refuse', 'hold')),
    ADD COLUMN guard_share   int NOT NULL DEFAULT 20 CHECK (guard_share BETWEEN 1 AND 100),
    ADD COLUMN guard_window  int NOT NULL DEFAULT 3600 CHECK (guard_window >= 60),
    ADD COLUMN guard_min     int NOT NULL DEFAULT 10 CHECK (guard_min >= 0);

-- How many there are, so that a list need not count them for its total: moved by who makes and deletes them, with the other counts of the row.
ALTER TABLE workspaces
    ADD COLUMN users_total bigint NOT NULL DEFAULT 0,
    ADD COLUMN rooms_total bigint NOT NULL DEFAULT 0;
UPDATE workspaces w SET users_total = (SELECT count(*) FROM users u WHERE u.workspace_id = w.workspace_id),
                        rooms_total = (SELECT count(*) FROM rooms r WHERE r.workspace_id = w.workspace_id);

ALTER TABLE keys
    ADD COLUMN networks       text[],      -- ranges of addresses it may be used from; NULL: any
    ADD COLUMN old_token_hash bytea CHECK (length(old_token_hash) = 32), -- the token before the last rotation …
    ADD COLUMN old_until      timestamptz, -- … which is good until then
    ADD COLUMN revoked_by     text;
CREATE INDEX keys_by_old_token ON keys (old_token_hash) WHERE old_token_hash IS NOT NULL;

-- Credentials of people who run a workspace: they open the admin API and the portal, and nothing else.
CREATE TABLE owners (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id           uuid NOT NULL,
    name         text NOT NULL,
    role         text NOT NULL CHECK (role IN ('owner', 'administrator')),
    token_hash   bytea NOT NULL CHECK (length(token_hash) = 32),
    prefix       text NOT NULL,
    created      timestamptz NOT NULL DEFAULT now(),
    created_by   text NOT NULL,
    expires      timestamptz,
    revoked      timestamptz,
    revoked_by   text,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX owners_by_token ON owners (token_hash);

-- Created or taken over through SCIM: such an account is the identity provider's.
ALTER TABLE users ADD COLUMN managed boolean NOT NULL DEFAULT true;
ALTER TABLE users ALTER COLUMN managed DROP DEFAULT;

CREATE TABLE logins (
    workspace_id uuid NOT NULL,
    user_id      uuid NOT NULL,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    times        bigint NOT NULL,
    PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- Removals by one key within the guard's window, in 16 buckets of a sixteenth of it each.
CREATE TABLE guard_windows (
    workspace_id uuid NOT NULL,
    key_id       uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('users', 'members')),
    head         bigint NOT NULL,   -- number of the newest bucket
    slots        int[] NOT NULL,
    base         bigint NOT NULL,   -- how many there were when they were last counted …
    base_at      bigint NOT NULL,   -- … in this bucket
    tripped      timestamptz,       -- mode hold: until released
    PRIMARY KEY (workspace_id, key_id, kind)
);

-- Answers to requests with an Idempotency-Key, for a day.
CREATE TABLE idempotency (
    workspace_id uuid NOT NULL,
    key_id       uuid NOT NULL,
    idem_key     text NOT NULL,
    fingerprint  bytea NOT NULL,    -- of method, path and body
    txn          uuid NOT NULL,
    status       int,               -- NULL: not answered yet
    headers      json,
    content      text,
    created      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, key_id, idem_key)
);
CREATE INDEX idempotency_by_age ON idempotency (workspace_id, created);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['owners', 'logins', 'guard_windows', 'idempotency'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY tenant ON %I TO usher_ingest, usher_worker
            USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
            WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)$p$, t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['owners', 'guard_windows', 'idempotency'] LOOP
        EXECUTE format('CREATE POLICY gate ON %I TO usher_gate USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

-- A key's and an owner's row without its hashes: what lists show.
GRANT SELECT (workspace_id, id, name, prefix, scopes, dialect, rate_limit, networks, created, created_by, expires, revoked, revoked_by, old_until) ON keys TO usher_ingest;
GRANT SELECT (workspace_id, key_id, last_used) ON key_rates TO usher_ingest;
GRANT SELECT (workspace_id, id, name, role, prefix, created, created_by, expires, revoked, revoked_by) ON owners TO usher_ingest;
GRANT SELECT ON logins, guard_windows TO usher_ingest;
GRANT SELECT, INSERT, UPDATE ON owners TO usher_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON logins, guard_windows TO usher_worker;
GRANT SELECT, UPDATE ON owners TO usher_gate;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO usher_ingest; -- no change of a workspace: the memory of a door
GRANT SELECT, DELETE ON idempotency TO usher_gate;

-- ---- the gate

ALTER TABLE key_rates ADD COLUMN oldest bigint NOT NULL DEFAULT 0; -- number of the oldest bucket of the window that holds anything

-- Many tokens in, one row each: API keys by their token, or for as long as it may overlap by the one before the last rotation, and owners. Rate: buckets of 250 ms; the
-- window is the current bucket and the 240 before it, so that no 60 s ever hold more than the limit. All units or none where whole says so (the operations of a Bulk);
-- retry_after is then the time until all are free. remaining and reset: what is left afterwards, and the seconds until the oldest unit leaves the window.
-- Credentials are taken in the order of their ids, so that two ingests never wait for each other in a circle. last_used is kept with the counter: no write of its own.
DROP FUNCTION gate_admit(bytea[], int[], boolean[]);
CREATE FUNCTION gate_admit(hashes bytea[], units int[], whole boolean[] DEFAULT NULL)
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

-- As before, and says who did it.
DROP FUNCTION key_revoke_now(uuid, uuid);
CREATE FUNCTION key_revoke_now(v_workspace uuid, v_key uuid, v_by text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = v_workspace FOR NO KEY UPDATE;
    UPDATE keys y SET revoked = now(), revoked_by = v_by WHERE y.workspace_id = v_workspace AND y.id = v_key AND y.revoked IS NULL;
    RETURN FOUND;
END $$;

-- The same for an owner's or administrator's credential. 'revoked', 'gone' (it was not alive), or 'last': somebody must be left who can do everything.
CREATE FUNCTION owner_revoke_now(v_workspace uuid, v_owner uuid, v_by text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    v_role text;
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = v_workspace FOR NO KEY UPDATE;
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

GRANT CREATE ON SCHEMA usher TO usher_gate;
DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['gate_admit(bytea[], int[], boolean[])', 'key_revoke_now(uuid, uuid, text)', 'owner_revoke_now(uuid, uuid, text)'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO usher_gate', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO usher_ingest', f);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA usher FROM usher_gate;
