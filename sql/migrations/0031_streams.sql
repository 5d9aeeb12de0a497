-- Streams of signals (ops/DESIGN.md, "Deliveries"): tokens that were acknowledged out of order, and who was called what.

-- Of a poll: the tokens (jti) above the cursor that the receiver has acknowledged.
ALTER TABLE delivery_progress ADD COLUMN IF NOT EXISTS done text[] NOT NULL DEFAULT '{}';

-- Of a record about a user, in workspaces that have streams: {"email":…,"was":…}, his address at the time, and the one before where it has
-- just changed.
ALTER TABLE delivery_log ADD COLUMN IF NOT EXISTS about text;

-- How far the table below is filled, from the first stream of the workspace on, and since when; NULL: it has none, or it is filled.
ALTER TABLE delivery_heads ADD COLUMN IF NOT EXISTS filled uuid, ADD COLUMN IF NOT EXISTS fills_since timestamptz;

-- The addresses of users as streams know them, of workspaces that have streams. An event says that something has changed, and not what it was
-- before; and a user who is deleted has no row any more.
CREATE TABLE delivery_subjects (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    email        text NOT NULL,
    noted        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, id)
);
ALTER TABLE delivery_subjects OWNER TO usher_owner;
ALTER TABLE delivery_subjects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON delivery_subjects TO usher_owner USING (true) WITH CHECK (true);
CREATE POLICY keeper ON users FOR SELECT TO usher_owner USING (true); -- functions/delivery_about.sql asks for their addresses
