-- What the requests of keys add up to (workers/archive/sums.c writes it), for the pages of activity. $1 is the workspace in all of them,
-- and row-level security has been told it before. No statement reads records, but for the refused ones, which have indexes of their own.

-- name: keys
-- Keys, owners and administrators: those that are good, and those that were used between the two times. First and last use are of all that
-- is kept.
-- $1 uuid: workspace
-- $2 uuid: one of them; NULL: all
-- $3 bigint: from, in microseconds since 1970
-- $4 bigint: to, not in it
-- $5 integer: rows at most
SELECT c.id, c.name, c.kind, micros(f.first_use), micros(l.last_use), micros(w.last_write)
FROM (
    SELECT k.id, k.name, 'key' AS kind, k.revoked FROM keys k WHERE k.workspace_id = $1::uuid AND ($2::uuid IS NULL OR k.id = $2::uuid)
    UNION ALL
    SELECT o.id, o.name, o.role, o.revoked FROM owners o WHERE o.workspace_id = $1::uuid AND ($2::uuid IS NULL OR o.id = $2::uuid)
) c
LEFT JOIN LATERAL (
    SELECT d.first_use FROM activity_day d WHERE d.workspace_id = $1::uuid AND d.key_id = c.id ORDER BY d.at LIMIT 1
) f ON true
LEFT JOIN LATERAL (
    SELECT d.last_use FROM activity_day d WHERE d.workspace_id = $1::uuid AND d.key_id = c.id ORDER BY d.at DESC LIMIT 1
) l ON true
LEFT JOIN LATERAL (
    SELECT d.last_write FROM activity_day d WHERE d.workspace_id = $1::uuid AND d.key_id = c.id AND d.last_write IS NOT NULL
    ORDER BY d.at DESC LIMIT 1
) w ON true
WHERE c.revoked IS NULL OR $2::uuid IS NOT NULL OR EXISTS (
    SELECT FROM activity_day d WHERE d.workspace_id = $1::uuid AND d.key_id = c.id
    AND d.at >= from_micros($3::bigint) - interval '1 day' AND d.at < from_micros($4::bigint))
ORDER BY c.id LIMIT $5::int;

-- part: columns
x.key_id, micros(x.at), x.requests, x.operations, x.writes, x.ok, x.redirected, x.refused, x.limited, x.failed, x.bytes_in, x.bytes_out,
    x.latency::text

-- part: spans
-- LATERAL with OFFSET 0: each key's rows are found by index.
    WHERE z.workspace_id = $1::uuid AND z.key_id = k.id AND z.at >= from_micros($3::bigint) AND z.at < from_micros($4::bigint)
    ORDER BY z.at OFFSET 0
) x
LIMIT $5::int

-- name: minute
-- $1 uuid: workspace
-- $2 uuid[]: keys
-- $3 bigint: from, in microseconds since 1970
-- $4 bigint: to, not in it
-- $5 integer: rows at most
SELECT {columns} FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL (
    SELECT * FROM activity_minute z {spans};

-- name: hour
-- parameters as minute
SELECT {columns} FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL (
    SELECT * FROM activity_hour z {spans};

-- name: day
-- parameters as minute
SELECT {columns} FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL (
    SELECT * FROM activity_day z {spans};

-- name: sources
-- Addresses from which keys were used, of each key those that were used last.
-- $1 uuid: workspace
-- $2 uuid[]: keys
-- $3 integer: addresses of each key at most
SELECT k.id, x.source, x.requests, micros(x.first_use), micros(x.last_use)
FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL (
    SELECT * FROM activity_source z WHERE z.workspace_id = $1::uuid AND z.key_id = k.id ORDER BY z.last_use DESC, z.source LIMIT $3::int
) x;

-- name: cadence
-- How keys come: in the last two days, how often requests began after five minutes without one, how long it took from one such beginning to
-- the next (the median, in seconds), and the newest beginning.
-- $1 uuid: workspace
-- $2 uuid[]: keys
SELECT k.id, count(*), (percentile_cont(0.5) WITHIN GROUP (ORDER BY x.after))::bigint, micros(max(x.first_use))
FROM unnest($2::uuid[]) AS k (id) CROSS JOIN LATERAL (
    SELECT b.first_use, extract(epoch FROM b.first_use - lag(b.first_use) OVER (ORDER BY b.at)) AS after
    FROM (SELECT z.at, z.first_use, z.at - lag(z.at) OVER (ORDER BY z.at) AS quiet FROM activity_minute z
          WHERE z.workspace_id = $1::uuid AND z.key_id = k.id AND z.at > now() - interval '2 days') b
    WHERE b.quiet IS NULL OR b.quiet > interval '5 minutes'
) x
GROUP BY k.id;

-- part: refused_columns
micros(l.at), l.event, l.txn, l.actor_id, l.actor_name, l.method, l.path, l.status, l.error, l.detail, l.source, l.user_agent

-- name: refused
-- Requests of the workspace that were refused, the newest first.
-- $1 uuid: workspace
-- $2 bigint: from, in microseconds since 1970
-- $3 bigint: to, not in it
-- $4 integer: rows at most
SELECT {refused_columns} FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.status >= 400 AND l.at >= from_micros($2::bigint) AND l.at < from_micros($3::bigint)
ORDER BY l.at DESC, l.n DESC LIMIT $4::int;

-- name: refused_of_key
-- The same of one key.
-- $1 uuid: workspace
-- $2 bigint: from, in microseconds since 1970
-- $3 bigint: to, not in it
-- $4 integer: rows at most
-- $5 uuid: key
SELECT {refused_columns} FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.actor_id = $5::uuid AND l.status >= 400
  AND l.at >= from_micros($2::bigint) AND l.at < from_micros($3::bigint)
ORDER BY l.at DESC, l.n DESC LIMIT $4::int;
