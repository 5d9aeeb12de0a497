-- The tables of audit_duckdb.py.

CREATE TABLE IF NOT EXISTS place (partition INTEGER PRIMARY KEY, next BIGINT NOT NULL);

CREATE TABLE IF NOT EXISTS audit (
    kind VARCHAR NOT NULL, -- request or change
    workspace VARCHAR,     -- NULL: a request whose credential is unknown
    epoch BIGINT,          -- of a change; seq has no gaps within an epoch
    seq BIGINT,
    instance VARCHAR,      -- of a request: the life of an ingest, in which n has no gaps
    n BIGINT,
    supersedes BIGINT,     -- the n of the record that this one replaces
    time TIMESTAMP,        -- UTC
    txn VARCHAR,           -- joins a request and its changes
    action VARCHAR,
    actor_kind VARCHAR,
    actor VARCHAR,
    actor_name VARCHAR,
    target_type VARCHAR,
    target VARCHAR,
    subject VARCHAR,
    outcome VARCHAR,
    reason VARCHAR,
    method VARCHAR,
    path VARCHAR,
    status SMALLINT,
    rate_limited BOOLEAN,
    duration_us BIGINT,
    source VARCHAR,
    user_agent VARCHAR,
    value JSON NOT NULL    -- the record
);

-- Requests as they were answered: a record that another one replaces is left out.
CREATE OR REPLACE VIEW requests AS
SELECT * FROM audit a
WHERE kind = 'request'
  AND NOT EXISTS (SELECT 1 FROM audit b WHERE b.instance = a.instance AND b.supersedes = a.n);

-- seat: the change has taken or freed one. Versions up to 0.3.0 wrote a record of its own for that, and both stand in a
-- topic for as long as it keeps records.
CREATE OR REPLACE VIEW changes AS
SELECT *, CASE WHEN action IN ('seat.taken', 'seat.freed') THEN substr(action, 6) ELSE value->>'$.seat' END AS seat
FROM audit WHERE kind = 'change';
