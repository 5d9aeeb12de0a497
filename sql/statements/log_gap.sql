-- Commands that were gone from the log before a worker took them (log_gaps).

-- name: note
-- $1 integer: partition
-- $2 bigint: where the worker stood
-- $3 bigint: where the log begins
INSERT INTO log_gaps (partition, place, first) VALUES ($1::int, $2::bigint, $3::bigint);

-- name: open
-- Those that are not settled, with the time (µs since 1970) at which they were found.
SELECT partition, micros(max(found)) FROM log_gaps WHERE settled IS NULL GROUP BY partition ORDER BY partition;

-- name: count
-- Requests of a partition were told as failed: they count for the newest gap.
-- $1 integer: partition
-- $2 bigint: how many
UPDATE log_gaps g SET lost = lost + $2::bigint
WHERE g.partition = $1::int AND g.settled IS NULL
  AND g.found = (SELECT max(o.found) FROM log_gaps o WHERE o.partition = $1::int AND o.settled IS NULL);

-- name: settle
-- All gaps of a partition that were found up to a time.
-- $1 integer: partition
-- $2 bigint: up to then (µs since 1970)
-- $3 bigint: every request that was accepted before that (µs since 1970) has its outcome
UPDATE log_gaps SET settled = from_micros($3::bigint)
WHERE partition = $1::int AND settled IS NULL AND found <= from_micros($2::bigint);

-- name: forget
-- $1 interval: the age from which on
DELETE FROM log_gaps WHERE settled < now() - $1::interval;

-- name: covers
-- Was a command that was accepted then, and has no outcome, lost?
-- $1 integer: its partition
-- $2 bigint: when (µs since 1970)
SELECT EXISTS (SELECT FROM log_gaps WHERE partition = $1::int AND settled > from_micros($2::bigint));

-- name: unclaimed
-- $1 uuid[]: workspaces
-- $2 uuid[]: a txn of each
SELECT n FROM command_unclaimed($1::uuid[], $2::uuid[]);
