-- Small numbers that processes hold by advisory locks of their sessions.

-- name: try
-- $1 integer: class of the lock
-- $2 integer: slot
SELECT pg_try_advisory_lock($1::int, $2::int);

-- name: release
-- $1 integer: class of the lock
-- $2 integer: slot
SELECT pg_advisory_unlock($1::int, $2::int);

-- name: mark
-- The slot's lock is held by whoever runs this, so nobody else writes the row.
-- $1 integer: slot
-- $2 boolean: may its worker have an open Kafka transaction?
WITH u AS (
    UPDATE worker_slots SET dirty = $2::bool, since = now() WHERE slot = $1::int RETURNING 1
)
INSERT INTO worker_slots (slot, dirty)
SELECT $1::int, $2::bool WHERE NOT EXISTS (SELECT FROM u);

-- name: dirty
-- $1 integer: slot of the one who asks, which is left out
SELECT slot FROM worker_slots WHERE dirty AND slot <> $1::int ORDER BY slot;

-- name: dead
-- How many slots are dirty without a worker that holds them: what those workers left open was not ended.
-- $1 oid: class of the locks
SELECT count(*) FROM worker_slots s
WHERE s.dirty AND NOT EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = $1::oid AND l.objid::bigint = s.slot AND l.objsubid = 2
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
);
