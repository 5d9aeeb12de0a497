-- Places of usher.commands where commands were gone before a worker took them. Each is looked into: what was accepted and has
-- no outcome is told as failed (workers/lost/). No tenant's data.
CREATE TABLE usher.log_gaps (
    partition int NOT NULL,
    found     timestamptz NOT NULL DEFAULT now(),
    place     bigint NOT NULL,           -- where the worker stood
    first     bigint NOT NULL,           -- where the log begins
    lost      bigint NOT NULL DEFAULT 0, -- accepted requests that were told as failed so far
    settled   timestamptz                -- every request accepted before that time has its outcome; NULL: is being looked into
);
ALTER TABLE usher.log_gaps OWNER TO usher_owner;
ALTER TABLE usher.log_gaps ENABLE ROW LEVEL SECURITY;
ALTER TABLE usher.log_gaps FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON usher.log_gaps TO usher_worker USING (true) WITH CHECK (true);
CREATE POLICY ingest ON usher.log_gaps FOR SELECT TO usher_ingest USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON usher.log_gaps TO usher_worker;
GRANT SELECT ON usher.log_gaps TO usher_ingest;
