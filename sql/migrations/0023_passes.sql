-- A pass lets somebody in in an owner's name: the session of a browser, or a link that works once. It dies with the owner's credential.
-- Sessions and links are no change of a workspace but the memory of a door, so no command makes them.
CREATE TABLE passes (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('session', 'setup', 'link', 'setup-link')), -- setup: of one key alone
    token_hash   bytea NOT NULL CHECK (length(token_hash) = 32),
    owner_id     uuid NOT NULL,
    key_id       uuid CHECK ((key_id IS NOT NULL) = (kind IN ('setup', 'setup-link'))),
    dialect      text,        -- the guide that a set-up shows first
    way          text NOT NULL, -- how it was come by: token, link, oidc, admin, operator
    source       text,        -- a session's: where it was opened from, and with what
    agent        text,
    made         timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen         timestamptz NOT NULL DEFAULT clock_timestamp(), -- moved once a minute at most
    expires      timestamptz NOT NULL,
    idle         interval,    -- so long after it was seen it is over; NULL: links do not tire
    ended        timestamptz,
    used_for     uuid,        -- a link's: the session that it has opened
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, owner_id) REFERENCES owners,
    FOREIGN KEY (workspace_id, key_id) REFERENCES keys
);
CREATE INDEX passes_by_token ON passes (token_hash);
CREATE INDEX passes_by_owner ON passes (workspace_id, owner_id);

ALTER TABLE passes OWNER TO usher_owner;
ALTER TABLE passes ENABLE ROW LEVEL SECURITY;
ALTER TABLE passes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON passes TO usher_ingest, usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
CREATE POLICY gate ON passes TO usher_gate USING (true) WITH CHECK (true);
GRANT SELECT (workspace_id, id, kind, owner_id, key_id, dialect, way, source, agent, made, seen, expires, idle, ended) ON passes TO usher_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON passes TO usher_gate;
