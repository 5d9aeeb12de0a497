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
    user_name_key    text NOT NULL,      -- case-folded in C (schemas/text/fold.h)
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
