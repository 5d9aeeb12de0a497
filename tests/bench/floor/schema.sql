-- The floor of the benchmark: what a plain service would keep in PostgreSQL for the same changes, without log, streams, row-level security or search.
CREATE TABLE workspaces (
    workspace_id uuid PRIMARY KEY, seats_limit bigint, seats_used bigint NOT NULL DEFAULT 0 CHECK (seats_used <= seats_limit),
    membership_seq bigint NOT NULL DEFAULT 0, audit_seq bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 30);
CREATE TABLE users (
    workspace_id uuid NOT NULL, id uuid NOT NULL, user_name text NOT NULL, user_name_key text NOT NULL, active boolean NOT NULL,
    doc json NOT NULL, version bigint NOT NULL, created timestamptz NOT NULL, modified timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id), UNIQUE (workspace_id, user_name_key)
);
CREATE TABLE rooms (workspace_id uuid NOT NULL, id uuid NOT NULL, display_name text NOT NULL, PRIMARY KEY (workspace_id, id));
CREATE TABLE members (
    workspace_id uuid NOT NULL, room_id uuid NOT NULL, user_id uuid NOT NULL, transmit boolean NOT NULL,
    PRIMARY KEY (workspace_id, room_id, user_id),
    FOREIGN KEY (workspace_id, room_id) REFERENCES rooms, FOREIGN KEY (workspace_id, user_id) REFERENCES users
);
CREATE INDEX members_by_user ON members (workspace_id, user_id, room_id);
CREATE TABLE command_log (
    workspace_id uuid NOT NULL, txn uuid NOT NULL, type text NOT NULL, outcome json, records text,
    at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (workspace_id, txn)
);

-- Ids that the scripts can compute: user k is …8000-(k as 12 hex digits), room k is …9000-….
CREATE FUNCTION user_id(k bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(k), 12, '0'))::uuid $$;
CREATE FUNCTION room_id(k bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('00000000-0000-7000-9000-' || lpad(to_hex(k), 12, '0'))::uuid $$;
CREATE FUNCTION user_doc(name text) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT json_build_object('schemas', json_build_array('urn:ietf:params:scim:schemas:core:2.0:User'), 'userName', name,
        'name', json_build_object('givenName', 'Ana', 'familyName', 'Bench'), 'active', true,
        'emails', json_build_array(json_build_object('value', name, 'type', 'work', 'primary', true))) $$;

INSERT INTO workspaces VALUES ('00000000-0000-7000-8000-000000000000', 1000000000);
INSERT INTO users SELECT '00000000-0000-7000-8000-000000000000', user_id(k), 'u' || k, 'u' || k, true, user_doc('u' || k), 1, now(), now()
    FROM generate_series(1, 130000) k;
INSERT INTO rooms SELECT '00000000-0000-7000-8000-000000000000', room_id(k), 'Room ' || k FROM generate_series(1, 1000) k;

-- For lists: the same users with titles, in a table of their own, so that its further index burdens no other case.
CREATE TABLE people (LIKE users INCLUDING ALL);
INSERT INTO people SELECT workspace_id, id, user_name, user_name_key, active, (doc::jsonb || jsonb_build_object('title', 'Team ' || substr(user_name, 2)::int % 200))::json,
    version, created, modified FROM users WHERE substr(user_name, 2)::int <= 20000;
CREATE INDEX people_by_title ON people (workspace_id, (doc->>'title'));
-- Rooms 1 to 1000 have ten members, 1001 and 1002 have 10,000, 1003 has 100,000. The users behind those are in none.
INSERT INTO rooms SELECT '00000000-0000-7000-8000-000000000000', room_id(k), 'Room ' || k FROM generate_series(1001, 1003) k;
INSERT INTO members SELECT '00000000-0000-7000-8000-000000000000', room_id(r), user_id(k), true
    FROM generate_series(1, 1003) r, generate_series(1, CASE WHEN r <= 1000 THEN 10 WHEN r <= 1002 THEN 10000 ELSE 100000 END) k;
CREATE SEQUENCE extra CACHE 100;
ANALYZE;
