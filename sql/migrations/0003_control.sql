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
