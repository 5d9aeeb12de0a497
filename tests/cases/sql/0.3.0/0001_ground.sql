-- The ground: workspaces, keys, users, rooms, members, and the log of commands with their outcomes.
--
-- What must stay true:
--  * Every primary, unique and foreign key begins with workspace_id, so that the tables can be distributed by tenant.
--  * All tables have row-level security, forced. The context is the setting usher.workspace, an array of workspace ids ('{…}'), set by SET LOCAL
--    in each transaction: one id in the ingest, those of the batch in a worker. Without context nothing is visible.
--  * Serving roles (usher_ingest, usher_worker) own nothing. usher_gate owns the few functions that must see a key before its workspace is known.
--  * Whoever changes anything of a workspace, cancels a command or revokes a key first locks the workspace's row. So these stand in one order.

DO $$
DECLARE r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['usher_owner', 'usher_gate'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', r);
        END IF;
    END LOOP;
    FOREACH r IN ARRAY ARRAY['usher_ingest', 'usher_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', r); -- the password is the operator's to set
        END IF;
    END LOOP;
    EXECUTE format('GRANT usher_owner, usher_gate TO %I', current_user);
END $$;

ALTER SCHEMA usher OWNER TO usher_owner;
GRANT USAGE ON SCHEMA usher TO usher_gate, usher_ingest, usher_worker;

CREATE TABLE workspaces (
    workspace_id     uuid PRIMARY KEY,
    name             text NOT NULL,
    seats_limit      bigint CHECK (seats_limit >= 0),             -- NULL: no limit
    seats_used       bigint NOT NULL DEFAULT 0 CHECK (seats_used >= 0),
    seat_mode        text NOT NULL DEFAULT 'on_provision' CHECK (seat_mode IN ('on_provision', 'on_first_login')),
    rate_limit       int NOT NULL DEFAULT 600 CHECK (rate_limit > 0), -- units in any 60 s, per key
    default_role     text NOT NULL DEFAULT 'viewer' CHECK (default_role IN ('editor', 'viewer')),
    default_transmit boolean NOT NULL DEFAULT true,
    require_email    boolean NOT NULL DEFAULT false,
    restore_rooms    boolean NOT NULL DEFAULT true,
    unique_rooms     boolean NOT NULL DEFAULT true,
    membership_seq   bigint NOT NULL DEFAULT 0,                    -- last number given, per stream
    audit_seq        bigint NOT NULL DEFAULT 0,
    created          timestamptz NOT NULL DEFAULT now(),
    modified         timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 30); -- one row, updated with every batch: room for heap-only updates

CREATE TABLE keys (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id           uuid NOT NULL,
    name         text NOT NULL,
    token_hash   bytea NOT NULL CHECK (length(token_hash) = 32),   -- SHA-256; the token itself is nowhere
    prefix       text NOT NULL,
    scopes       text[] NOT NULL,
    dialect      text NOT NULL DEFAULT 'rfc',
    rate_limit   int CHECK (rate_limit > 0),                        -- NULL: the workspace's
    created      timestamptz NOT NULL DEFAULT now(),
    created_by   text NOT NULL,
    expires      timestamptz,
    revoked      timestamptz,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX keys_by_token ON keys (token_hash);

-- Sliding window of 60 s in buckets of 250 ms; see gate_admit. Lost in a crash, which forgives at most one window.
CREATE UNLOGGED TABLE key_rates (
    workspace_id uuid NOT NULL,
    key_id       uuid NOT NULL,
    head         bigint NOT NULL,   -- number of the newest bucket
    slots        int[] NOT NULL,    -- 256 of them, bucket b in slot b mod 256 + 1
    total        bigint NOT NULL,   -- sum over the window
    last_used    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, key_id)
) WITH (fillfactor = 40);

CREATE TABLE users (
    workspace_id     uuid NOT NULL,
    id               uuid NOT NULL,
    user_name        text NOT NULL,
    user_name_key    text NOT NULL,      -- case-folded in C (schemas/fold.h)
    external_id      text,
    display_name     text,
    display_name_key text,
    active           boolean NOT NULL,
    seat             boolean NOT NULL,   -- counted in workspaces.seats_used
    doc              json NOT NULL,      -- the document, as it is answered
    search           jsonb NOT NULL,     -- the same, folded, for filters
    version          bigint NOT NULL,
    created          timestamptz NOT NULL,
    modified         timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, user_name_key) DEFERRABLE INITIALLY IMMEDIATE -- judged at the end of a statement: two users can swap names
);
CREATE INDEX users_by_external_id ON users (workspace_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX users_by_display_name ON users (workspace_id, display_name_key) WHERE display_name_key IS NOT NULL;

CREATE TABLE rooms (
    workspace_id     uuid NOT NULL,
    id               uuid NOT NULL,
    display_name     text NOT NULL,
    display_name_key text NOT NULL,
    external_id      text,
    doc              json NOT NULL,
    search           jsonb NOT NULL,
    version          bigint NOT NULL,
    created          timestamptz NOT NULL,
    modified         timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 70);
CREATE INDEX rooms_by_display_name ON rooms (workspace_id, display_name_key);
CREATE INDEX rooms_by_external_id ON rooms (workspace_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE members (
    workspace_id uuid NOT NULL,
    room_id      uuid NOT NULL,
    user_id      uuid NOT NULL,
    transmit     boolean NOT NULL,
    held         boolean NOT NULL,       -- the user is inactive: no member now, one again on reactivation
    created      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, room_id, user_id),
    FOREIGN KEY (workspace_id, room_id) REFERENCES rooms,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users
);
CREATE INDEX members_by_user ON members (workspace_id, user_id, room_id);

-- A txn is claimed once: by the worker that applied or refused it, or by an ingest that cancelled it at the deadline.
-- Rows must outlive the retention of usher.commands: a redelivered command is known by its row.
CREATE TABLE command_log (
    workspace_id     uuid NOT NULL,
    txn              uuid NOT NULL,
    origin_partition int,                -- where the command that was applied stands in usher.commands; NULL: cancelled
    origin_offset    bigint,
    type             text NOT NULL,
    outcome          json,               -- the reply without document; NULL: cancelled
    records          text COMPRESSION lz4, -- what goes to the streams, byte for byte; NULL: nothing
    at               timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, txn)
);

-- Transactional ids of workers: which were in use (an id whose worker died may have left an open Kafka transaction). No tenant's data.
CREATE TABLE worker_slots (
    slot  int NOT NULL,
    dirty boolean NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['workspaces', 'keys', 'key_rates', 'users', 'rooms', 'members', 'command_log'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        -- The sub-select is evaluated once per statement, not once per row. IS TRUE keeps the condition a mere filter: as a way to find rows it would read
        -- a whole workspace, which looks cheap while the statistics know the table as empty, and prepared plans stay.
        EXECUTE format($p$CREATE POLICY tenant ON %I TO usher_ingest, usher_worker
            USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
            WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)$p$, t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['workspaces', 'keys', 'key_rates', 'command_log'] LOOP
        EXECUTE format('CREATE POLICY gate ON %I TO usher_gate USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;
ALTER TABLE worker_slots OWNER TO usher_owner;
ALTER TABLE worker_slots ENABLE ROW LEVEL SECURITY;
ALTER TABLE worker_slots FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON worker_slots TO usher_worker USING (true) WITH CHECK (true);

GRANT SELECT ON users, rooms, members, workspaces TO usher_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON users, rooms, members, worker_slots TO usher_worker;
GRANT SELECT, INSERT, UPDATE ON workspaces, keys TO usher_worker;
GRANT SELECT, INSERT ON command_log TO usher_worker;
GRANT SELECT, UPDATE ON workspaces, keys TO usher_gate;
GRANT SELECT, INSERT, DELETE ON command_log TO usher_gate;
GRANT SELECT, INSERT, UPDATE ON key_rates TO usher_gate;

-- Many tokens in, one row each. Rate: buckets of 250 ms; the window is the current bucket and the 240 before it, so that no 60 s ever hold more than
-- the limit. Takes keys in the order of their ids, so that two ingests never wait for each other in a circle.
CREATE FUNCTION gate_admit(hashes bytea[], units int[])
RETURNS TABLE (n int, workspace_id uuid, workspace_name text, key_id uuid, key_name text, scopes text, dialect text, state text,
               granted int, rate_limit int, retry_after int, seats_used bigint, seats_limit bigint, require_email boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
DECLARE
    k record;
    v_head bigint;
    v_slots int[];
    v_total bigint;
    v_now_us bigint;
    v_bucket bigint;
    v_give bigint;
    v_need bigint;
    v_slot int; -- (loops count in int, bucket numbers are beyond that)
BEGIN
    FOR k IN
        SELECT a.n::int AS n, units[a.n] AS units, y.workspace_id, y.id, y.name, y.scopes, y.dialect, y.expires, y.revoked,
               coalesce(y.rate_limit, w.rate_limit) AS rate_limit, w.name AS workspace_name, w.seats_used, w.require_email,
               CASE WHEN w.seat_mode = 'on_provision' THEN w.seats_limit END AS seats_limit -- else creation takes no seat: nothing to refuse early
        FROM unnest(hashes) WITH ORDINALITY AS a (hash, n)
        CROSS JOIN LATERAL (SELECT * FROM keys x WHERE x.token_hash = a.hash OFFSET 0) y -- OFFSET 0: by index, whatever the statistics say
        CROSS JOIN LATERAL (SELECT * FROM workspaces x WHERE x.workspace_id = y.workspace_id OFFSET 0) w
        ORDER BY y.workspace_id, y.id
    LOOP
        n := k.n; workspace_id := k.workspace_id; workspace_name := k.workspace_name; key_id := k.id; key_name := k.name;
        scopes := array_to_string(k.scopes, ' '); dialect := k.dialect; rate_limit := k.rate_limit;
        seats_used := k.seats_used; seats_limit := k.seats_limit; require_email := k.require_email;
        granted := 0; retry_after := 1; state := 'ok';
        IF k.revoked IS NOT NULL OR k.expires <= clock_timestamp() THEN
            state := CASE WHEN k.revoked IS NOT NULL THEN 'revoked' ELSE 'expired' END;
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT x.head, x.slots, x.total INTO v_head, v_slots, v_total
        FROM key_rates x WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO key_rates VALUES (k.workspace_id, k.id, 0, array_fill(0, ARRAY[256]), 0, clock_timestamp())
            ON CONFLICT DO NOTHING;
            SELECT x.head, x.slots, x.total INTO v_head, v_slots, v_total
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
        v_give := greatest(least(k.units::bigint, k.rate_limit - v_total), 0);
        v_total := v_total + v_give;
        v_slot := (v_bucket & 255) + 1;
        v_slots[v_slot] := v_slots[v_slot] + v_give::int;
        IF v_give < k.units THEN
            v_need := greatest(v_total - k.rate_limit + 1, 1); -- units that must leave before one is free
            FOR i IN -240 .. 0 LOOP
                v_need := v_need - v_slots[((v_bucket + i) & 255) + 1];
                IF v_need <= 0 THEN
                    retry_after := greatest(ceil(((v_bucket + i + 241) * 250000 - v_now_us) / 1000000.0)::int, 1);
                    EXIT;
                END IF;
            END LOOP;
        END IF;
        UPDATE key_rates x SET head = v_bucket, slots = v_slots, total = v_total, last_used = clock_timestamp()
        WHERE x.workspace_id = k.workspace_id AND x.key_id = k.id;
        granted := v_give::int;
        RETURN NEXT;
    END LOOP;
END $$;

-- The deadline's side of the race for a txn (the other side is a worker's transaction). The workspace's row lock puts it before or after that, never inside.
-- won: no worker will ever apply it. Otherwise outcome is what the worker stored.
CREATE FUNCTION command_cancel(v_workspace uuid, v_txn uuid, OUT won boolean, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = v_workspace FOR NO KEY UPDATE;
    INSERT INTO command_log (workspace_id, txn, type) VALUES (v_workspace, v_txn, 'cancelled') ON CONFLICT DO NOTHING;
    SELECT c.outcome IS NULL, c.outcome::text INTO won, outcome
    FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = v_txn;
END $$;

CREATE FUNCTION command_outcome(v_workspace uuid, v_txn uuid, OUT known boolean, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    SELECT true, c.outcome::text INTO known, outcome FROM command_log c WHERE c.workspace_id = v_workspace AND c.txn = v_txn;
    known := coalesce(known, false);
END $$;

-- Forgets the outcomes of commands older than v_before, at most v_limit of them. They must be older than anything that usher.commands still holds: a command that
-- came again after its row had gone would be applied again. A txn begins with its time (UUIDv7), so the key's order is the order of age.
CREATE FUNCTION command_prune(v_before timestamptz, v_limit int) RETURNS bigint
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

-- Dead from the moment this commits, also while the log is down. After it no worker applies a command under the key: the row lock waits for the
-- transaction that is under way. True if it was alive.
CREATE FUNCTION key_revoke_now(v_workspace uuid, v_key uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    PERFORM 1 FROM workspaces w WHERE w.workspace_id = v_workspace FOR NO KEY UPDATE;
    UPDATE keys y SET revoked = now() WHERE y.workspace_id = v_workspace AND y.id = v_key AND y.revoked IS NULL;
    RETURN FOUND;
END $$;

-- Workspace names are unique in the installation although no key says so (keys begin with workspace_id): the worker asks under an advisory lock.
CREATE FUNCTION workspace_name_free(v_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7000, hashtext(v_name));
    RETURN NOT EXISTS (SELECT FROM workspaces w WHERE w.name = v_name);
END $$;

DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['gate_admit(bytea[], int[])', 'command_cancel(uuid, uuid)', 'command_outcome(uuid, uuid)',
                             'command_prune(timestamptz, int)', 'key_revoke_now(uuid, uuid)', 'workspace_name_free(text)'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT CREATE ON SCHEMA usher TO usher_gate;
ALTER FUNCTION gate_admit(bytea[], int[]) OWNER TO usher_gate;
ALTER FUNCTION command_cancel(uuid, uuid) OWNER TO usher_gate;
ALTER FUNCTION command_outcome(uuid, uuid) OWNER TO usher_gate;
ALTER FUNCTION command_prune(timestamptz, int) OWNER TO usher_gate;
ALTER FUNCTION key_revoke_now(uuid, uuid) OWNER TO usher_gate;
ALTER FUNCTION workspace_name_free(text) OWNER TO usher_gate;
REVOKE CREATE ON SCHEMA usher FROM usher_gate;
GRANT EXECUTE ON FUNCTION gate_admit(bytea[], int[]), command_cancel(uuid, uuid), command_outcome(uuid, uuid) TO usher_ingest;
GRANT EXECUTE ON FUNCTION workspace_name_free(text), command_outcome(uuid, uuid), command_prune(timestamptz, int) TO usher_worker;
