-- The hashes of the archive's trees (0016_archive.sql) in runs: a row for each batch of a tree instead of two for each record.

-- What the leaves from n on have completed, up to the row that follows: for each leaf its own hash (level 0), and then, from the leaf up,
-- that of each subtree whose last leaf it is (RFC 6962). So leaf n has 2n - bit_count(n) hashes before it (functions/audit_hashes_before.sql),
-- and node (level, index) belongs to leaf (index + 1) * 2^level - 1. Written once, and kept when the records go.
CREATE TABLE audit_hashes (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL,
    n            bigint NOT NULL,
    hashes       bytea NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0),
    PRIMARY KEY (workspace_id, tree, n)
);
ALTER TABLE audit_hashes ALTER COLUMN hashes SET STORAGE EXTERNAL; -- not compressed, so that one hash of a long run is read by itself

INSERT INTO audit_hashes (workspace_id, tree, n, hashes)
SELECT workspace_id, tree, min(leaf), string_agg(hash, ''::bytea ORDER BY leaf, level)
FROM (SELECT workspace_id, tree, level, hash, ((index + 1) << level) - 1 AS leaf FROM audit_node) x
GROUP BY workspace_id, tree, leaf >> 10;
DROP TABLE audit_node;

ALTER TABLE audit_hashes OWNER TO usher_owner;
ALTER TABLE audit_hashes ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_hashes FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON audit_hashes TO usher_owner USING (true) WITH CHECK (true);
CREATE POLICY tenant ON audit_hashes TO usher_ingest, usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
GRANT SELECT, INSERT ON audit_hashes TO usher_worker;
GRANT SELECT ON audit_hashes TO usher_ingest;

-- The same, a row for each hash: for people. The programs look a hash up by the leaf that it belongs to.
CREATE VIEW audit_node WITH (security_invoker = true) AS
SELECT h.workspace_id, h.tree, p.level::smallint AS level, p.leaf >> p.level AS index,
       substring(h.hashes FROM (p.place * 32 + 1)::int FOR 32) AS hash
FROM audit_hashes h
CROSS JOIN LATERAL (
    SELECT m.leaf, l.level, 2 * (m.leaf - h.n) - bit_count(m.leaf::bit(64)) + bit_count(h.n::bit(64)) + l.level AS place
    FROM generate_series(h.n, h.n + length(h.hashes) / 32 - 1) AS m (leaf)
    CROSS JOIN LATERAL generate_series(0, bit_count((((m.leaf + 1) & -(m.leaf + 1)) - 1)::bit(64))::int) AS l (level)
) p
WHERE p.place < length(h.hashes) / 32;
ALTER VIEW audit_node OWNER TO usher_owner;
GRANT SELECT ON audit_node TO usher_worker, usher_ingest;
