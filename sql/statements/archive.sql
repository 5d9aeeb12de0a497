-- The archive (ops/DESIGN.md, "The archive"): records of usher.audit into rows and trees.

-- part: newest
-- Of a row that changes with every batch: the newest generation first, so that nothing behind it is looked at
-- (migrations/0024_archive_newest.sql).
ORDER BY generation DESC LIMIT 1

-- part: place
-- Of a partition, in their order.
FROM (SELECT a.p FROM unnest($1::int[]) AS a (p) ORDER BY a.p) a
CROSS JOIN LATERAL (SELECT t.partition, t.next, t.recheck FROM audit_offset t WHERE t.partition = a.p {newest}

-- name: begin_partition
-- Where a partition goes on. Whoever reads it first makes the row.
-- $1 integer: partition
-- $2 bigint: where the log begins
INSERT INTO audit_offset (partition, next)
SELECT $1::int, $2::bigint WHERE NOT EXISTS (SELECT FROM audit_offset WHERE partition = $1::int)
ON CONFLICT (partition, generation) DO NOTHING;

-- name: places
-- $1 integer[]: partitions
SELECT o.partition, o.next, o.recheck {place}) o;

-- name: lock
-- The same; nobody else adds to these partitions until the end of the transaction.
-- parameters as places
SELECT o.partition, o.next, o.recheck {place} FOR UPDATE) o;

-- name: move
-- $1 integer[]: partitions
-- $2 bigint[]: for each where it goes on
INSERT INTO audit_offset AS o (partition, next, generation)
SELECT x.partition, x.next, (SELECT t.generation FROM audit_offset t WHERE t.partition = x.partition {newest})
FROM unnest($1::int[], $2::bigint[]) AS x (partition, next)
ON CONFLICT (partition, generation) DO UPDATE
SET next = EXCLUDED.next, at = now(), changes = o.changes + 1, generation = (o.changes + 1) / 16;

-- name: begin_again
-- The log has begun anew, or is another one: it is read from its beginning, and what was there before it did is compared.
-- $1 integer: partition
-- $2 bigint: where it was
-- $3 bigint: where it begins
-- $4 bigint: where it ends
UPDATE audit_offset SET next = $3::bigint, recheck = $4::bigint, at = now()
WHERE partition = $1::int AND next = $2::bigint
  AND generation = (SELECT t.generation FROM audit_offset t WHERE t.partition = $1::int {newest});

-- part: tree
-- Both trees of each workspace.
FROM unnest($1::uuid[]) AS a (w) CROSS JOIN (VALUES (1::smallint), (2::smallint)) AS b (tree)
CROSS JOIN LATERAL (SELECT * FROM audit_tree z WHERE z.workspace_id = a.w AND z.tree = b.tree {newest}) t

-- part: this_tree
WHERE t.ctid = ANY (ARRAY(SELECT z.ctid FROM audit_tree z WHERE z.workspace_id = $1::uuid AND z.tree = $2::smallint {newest} FOR UPDATE))

-- name: heads
-- $1 uuid[]: workspaces
SELECT t.workspace_id, t.tree, t.size, coalesce(t.first_seq, 0), coalesce(t.epoch, 0), coalesce(t.seq, 0), t.stopped IS NOT NULL
{tree};

-- part: hash
-- Of the leaf m.leaf the hash of level l.level, out of the run z that it stands in (functions/audit_hashes_before.sql).
CROSS JOIN LATERAL (
    SELECT substring(z.hashes FROM (least(audit_hashes_before(m.leaf) - audit_hashes_before(z.n) + l.level, 60000000) * 32 + 1)::int FOR 32)
        AS hash
    FROM audit_hashes z WHERE z.workspace_id = t.workspace_id AND z.tree = t.tree AND z.n <= m.leaf ORDER BY z.n DESC LIMIT 1
) h

-- name: peaks
-- The complete subtrees that a tree is made of, one for each bit of its size.
-- parameters as heads
SELECT t.workspace_id, t.tree, l.level, h.hash
{tree}
CROSS JOIN generate_series(0, 62) AS l (level)
CROSS JOIN LATERAL (SELECT ((t.size >> l.level) << l.level) - 1 AS leaf) m
{hash}
WHERE ((t.size >> l.level) & 1) = 1 AND length(h.hash) = 32;

-- name: peaks_at
-- The same of a tree as it was when it had another size.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: size
SELECT l.level, h.hash
FROM (SELECT $1::uuid AS workspace_id, $2::smallint AS tree) t
CROSS JOIN generate_series(0, 62) AS l (level)
CROSS JOIN LATERAL (SELECT (($3::bigint >> l.level) << l.level) - 1 AS leaf) m
{hash}
WHERE (($3::bigint >> l.level) & 1) = 1 AND length(h.hash) = 32;

-- name: leaf_hash
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: n
SELECT h.hash
FROM (SELECT $1::uuid AS workspace_id, $2::smallint AS tree) t CROSS JOIN (SELECT 0 AS level) l CROSS JOIN (SELECT $3::bigint AS leaf) m
{hash}
WHERE length(h.hash) = 32;

-- name: known
-- Which of these events are there already.
-- $1 uuid[]: workspaces
-- $2 uuid[]: txns
SELECT event FROM audit_leaf WHERE workspace_id = ANY ($1::uuid[]) AND txn = ANY ($2::uuid[]) AND tree = 2;

-- name: changes
-- Leaves that are changes. Those that are requests have other columns: what is NULL costs something too.
-- $1 uuid[]: workspaces
-- $2 bigint[]: n
-- $3 bigint[]: microseconds since 1970
-- $4 text[]: ce_id
-- $5 bigint[]: epochs
-- $6 bigint[]: seq
-- $7 uuid[]: txns
-- $8 text[]: actors' kinds …
-- $9 uuid[]: … ids …
-- $10 text[]: … names
-- $11 text[]: actions
-- $12 text[]: outcomes
-- $13 text[]: reasons
-- $14 text[]: targets' types …
-- $15 uuid[]: … ids …
-- $16 text[]: … names
-- $17 uuid[]: subjects' ids …
-- $18 text[]: … names
-- $19 bytea[]: the records
INSERT INTO audit_leaf (workspace_id, tree, n, at, event, epoch, seq, txn, actor_kind, actor_id, actor_name, action, outcome,
    reason, target_type, target_id, target_name, subject_id, subject_name, bytes)
SELECT x.workspace_id, 1, x.n, from_micros(x.at), x.event, x.epoch, x.seq, x.txn, x.actor_kind, x.actor_id, x.actor_name,
    x.action, x.outcome, x.reason, x.target_type, x.target_id, x.target_name, x.subject_id, x.subject_name, x.bytes
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[], $8::text[], $9::uuid[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::uuid[], $16::text[], $17::uuid[], $18::text[],
    $19::bytea[])
    AS x (workspace_id, n, at, event, epoch, seq, txn, actor_kind, actor_id, actor_name, action, outcome, reason, target_type,
    target_id, target_name, subject_id, subject_name, bytes);

-- name: requests
-- $1 uuid[]: workspaces
-- $2 bigint[]: n
-- $3 bigint[]: microseconds since 1970
-- $4 text[]: ce_id
-- $5 bigint[]: their numbers in their instances
-- $6 uuid[]: txns
-- $7 text[]: actors' kinds …
-- $8 uuid[]: … ids …
-- $9 text[]: … names
-- $10 uuid[]: rooms in their paths
-- $11 uuid[]: users in their paths
-- $12 text[]: methods
-- $13 text[]: paths
-- $14 smallint[]: statuses
-- $15 text[]: codes of errors …
-- $16 text[]: … and what was said
-- $17 text[]: source addresses
-- $18 text[]: user agents
-- $19 boolean[]: rate-limited
-- $20 bigint[]: microseconds that they took
-- $21 bytea[]: the records
INSERT INTO audit_leaf (workspace_id, tree, n, at, event, seq, txn, actor_kind, actor_id, actor_name, target_id, subject_id,
    method, path, status, error, detail, source, user_agent, rate_limited, duration_us, bytes)
SELECT x.workspace_id, 2, x.n, from_micros(x.at), x.event, x.seq, x.txn, x.actor_kind, x.actor_id, x.actor_name, x.target_id,
    x.subject_id, x.method, x.path, x.status, x.error, x.detail, x.source, x.user_agent, x.rate_limited, x.duration_us, x.bytes
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::uuid[], $7::text[], $8::uuid[], $9::text[],
    $10::uuid[], $11::uuid[], $12::text[], $13::text[], $14::smallint[], $15::text[], $16::text[], $17::text[], $18::text[],
    $19::boolean[], $20::bigint[], $21::bytea[])
    AS x (workspace_id, n, at, event, seq, txn, actor_kind, actor_id, actor_name, target_id, subject_id, method, path, status,
    error, detail, source, user_agent, rate_limited, duration_us, bytes);

-- name: hashes
-- Of each tree all that its new leaves complete.
-- $1 uuid[]: workspaces
-- $2 smallint[]: trees
-- $3 bigint[]: n of the first of these leaves
-- $4 bytea[]: hashes, in the order in which they were completed
INSERT INTO audit_hashes (workspace_id, tree, n, hashes)
SELECT x.workspace_id, x.tree, x.n, x.hashes
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bytea[]) AS x (workspace_id, tree, n, hashes);

-- name: trees
-- $1 uuid[]: workspaces
-- $2 smallint[]: trees
-- $3 integer[]: partitions
-- $4 bigint[]: sizes
-- $5 bigint[]: first seq
-- $6 bigint[]: epochs
-- $7 bigint[]: seq of the last
-- $8 text[]: why it stops now; NULL: as it was
-- $9 text[]: why it is not signed any more from now on; NULL: as it was
WITH x AS (
    SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
        AS x (workspace_id, tree, partition, size, first_seq, epoch, seq, stopped, refused)
), due AS (
    INSERT INTO audit_due (workspace_id, tree, partition) SELECT x.workspace_id, x.tree, x.partition FROM x
    ON CONFLICT (workspace_id, tree) DO NOTHING
)
INSERT INTO audit_tree AS t (workspace_id, tree, partition, size, first_seq, epoch, seq, stopped, stopped_at, refused, refused_at,
    generation)
SELECT x.workspace_id, x.tree, x.partition, x.size, x.first_seq, x.epoch, x.seq, x.stopped, CASE WHEN x.stopped IS NOT NULL THEN now() END,
    x.refused, CASE WHEN x.refused IS NOT NULL THEN now() END,
    coalesce((SELECT z.generation FROM audit_tree z WHERE z.workspace_id = x.workspace_id AND z.tree = x.tree {newest}), 0)
FROM x
ON CONFLICT (workspace_id, tree, generation) DO UPDATE
SET {changed},
    partition = EXCLUDED.partition, size = EXCLUDED.size, first_seq = EXCLUDED.first_seq, epoch = EXCLUDED.epoch, seq = EXCLUDED.seq,
    stopped = coalesce(t.stopped, EXCLUDED.stopped), stopped_at = coalesce(t.stopped_at, EXCLUDED.stopped_at),
    refused = coalesce(t.refused, EXCLUDED.refused), refused_at = coalesce(t.refused_at, EXCLUDED.refused_at);

-- name: gaps
-- $1 uuid[]: workspaces
-- $2 smallint[]: trees
-- $3 bigint[]: n of the leaf behind
-- $4 bigint[]: its epoch
-- $5 bigint[]: its seq
-- $6 bigint[]: epoch of the leaf before
-- $7 bigint[]: its seq
-- $8 text[]: why
INSERT INTO audit_gap (workspace_id, tree, n, epoch, seq, before_epoch, before_seq, why)
SELECT x.workspace_id, x.tree, x.n, x.epoch, x.seq, x.before_epoch, x.before_seq, x.why
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
    AS x (workspace_id, tree, n, epoch, seq, before_epoch, before_seq, why);

-- name: aside
-- $1 uuid[]: workspaces
-- $2 smallint[]: trees
-- $3 integer[]: partitions
-- $4 bigint[]: offsets
-- $5 text[]: ce_id
-- $6 bytea[]: the records
INSERT INTO audit_aside (workspace_id, tree, partition, place, event, bytes)
SELECT x.workspace_id, x.tree, x.partition, x.place, x.event, x.bytes
FROM unnest($1::uuid[], $2::smallint[], $3::int[], $4::bigint[], $5::text[], $6::bytea[])
    AS x (workspace_id, tree, partition, place, event, bytes)
ON CONFLICT DO NOTHING;

-- part: activity_columns
(workspace_id, key_id, at, requests, operations, writes, ok, redirected, refused, limited, failed, superseded, latency, bytes_in,
    bytes_out, first_use, last_use, last_write

-- part: activity_values
SELECT x.workspace_id, x.key_id, from_micros(x.at), x.requests, x.operations, x.writes, x.ok, x.redirected, x.refused, x.limited,
    x.failed, x.superseded, x.latency::bigint[], x.bytes_in, x.bytes_out, from_micros(x.first_use), from_micros(x.last_use),
    from_micros(x.last_write)

-- part: activity_rows
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[])
    AS x (workspace_id, key_id, at, requests, operations, writes, ok, redirected, refused, limited, failed, superseded, latency, bytes_in,
    bytes_out, first_use, last_use, last_write)

-- part: activity_more
SET requests = t.requests + EXCLUDED.requests, operations = t.operations + EXCLUDED.operations, writes = t.writes + EXCLUDED.writes,
    ok = t.ok + EXCLUDED.ok, redirected = t.redirected + EXCLUDED.redirected, refused = t.refused + EXCLUDED.refused,
    limited = t.limited + EXCLUDED.limited, failed = t.failed + EXCLUDED.failed, superseded = t.superseded + EXCLUDED.superseded,
    latency = ARRAY(SELECT x.a + x.b FROM unnest(t.latency, EXCLUDED.latency) WITH ORDINALITY AS x (a, b, i) ORDER BY x.i),
    bytes_in = t.bytes_in + EXCLUDED.bytes_in, bytes_out = t.bytes_out + EXCLUDED.bytes_out,
    first_use = least(t.first_use, EXCLUDED.first_use), last_use = greatest(t.last_use, EXCLUDED.last_use),
    last_write = greatest(t.last_write, EXCLUDED.last_write)

-- part: activity_key
WHERE z.workspace_id = x.workspace_id AND z.key_id = x.key_id AND z.at = from_micros(x.at) {newest}

-- part: changed
changes = t.changes + 1, generation = (t.changes + 1) / 16

-- name: activity_minute
-- $1 uuid[]: workspaces
-- $2 uuid[]: keys
-- $3 bigint[]: beginning of the span, in microseconds since 1970
-- $4 bigint[]: requests
-- $5 bigint[]: operations
-- $6 bigint[]: writes
-- $7 bigint[]: 1xx, 2xx
-- $8 bigint[]: 3xx
-- $9 bigint[]: 4xx but 429
-- $10 bigint[]: 429
-- $11 bigint[]: 5xx
-- $12 bigint[]: records that take an earlier one back
-- $13 text[]: histograms, each an array of bigint as text
-- $14 bigint[]: bytes in
-- $15 bigint[]: bytes out
-- $16 bigint[]: first use
-- $17 bigint[]: last use
-- $18 bigint[]: last write
INSERT INTO activity_minute AS t {activity_columns})
{activity_values}
{activity_rows}
ON CONFLICT (workspace_id, key_id, at) DO UPDATE
{activity_more};

-- name: activity_hour
-- parameters as activity_minute
INSERT INTO activity_hour AS t {activity_columns}, generation)
{activity_values}, coalesce((SELECT z.generation FROM activity_hour z {activity_key}), 0)
{activity_rows}
ON CONFLICT (workspace_id, key_id, at, generation) DO UPDATE
{activity_more}, {changed};

-- name: activity_day
-- parameters as activity_minute
INSERT INTO activity_day AS t {activity_columns}, generation)
{activity_values}, coalesce((SELECT z.generation FROM activity_day z {activity_key}), 0)
{activity_rows}
ON CONFLICT (workspace_id, key_id, at, generation) DO UPDATE
{activity_more}, {changed};

-- name: sources
-- $1 uuid[]: workspaces
-- $2 uuid[]: keys
-- $3 text[]: addresses
-- $4 bigint[]: requests
-- $5 bigint[]: first use
-- $6 bigint[]: last use
INSERT INTO activity_source AS t (workspace_id, key_id, source, requests, first_use, last_use, generation)
SELECT x.workspace_id, x.key_id, x.source, x.requests, from_micros(x.first_use), from_micros(x.last_use),
    coalesce((SELECT z.generation FROM activity_source z
              WHERE z.workspace_id = x.workspace_id AND z.key_id = x.key_id AND z.source = x.source {newest}), 0)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS x (workspace_id, key_id, source, requests, first_use, last_use)
ON CONFLICT (workspace_id, key_id, source, generation) DO UPDATE
SET requests = t.requests + EXCLUDED.requests, first_use = least(t.first_use, EXCLUDED.first_use),
    last_use = greatest(t.last_use, EXCLUDED.last_use), {changed};

-- name: day
-- $1 bigint: microseconds since 1970
SELECT audit_day((from_micros($1::bigint) AT TIME ZONE 'UTC')::date);

-- name: keep
-- What has had its time is dropped, a slice of it; how many tables and rows. One day's table more is there beforehand.
-- $1 integer: rows at most
SELECT audit_keep($1::int);

-- name: unsigned
-- Heads that are to be signed.
-- $1 integer[]: partitions
-- $2 integer: seconds since a head of the same tree was signed
-- $3 integer: so many at most
SELECT workspace_id, tree, partition, size, origin FROM audit_unsigned_heads($1::int[], $2::int, $3::int);

-- name: sign
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: size
-- $4 text: note
-- $5 integer: number of the origin
-- $6 bytea: root
INSERT INTO audit_checkpoint (workspace_id, tree, size, note, origin, root)
VALUES ($1::uuid, $2::smallint, $3::bigint, $4::text, $5::int, $6::bytea)
ON CONFLICT DO NOTHING;

-- name: signed
-- Not where the tree has got another origin since.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: size
-- $4 integer: number of the origin
WITH head AS (
    UPDATE audit_tree t SET signed_size = greatest(t.signed_size, $3::bigint), signed_at = now()
    {this_tree} AND t.origin = $4::int
    RETURNING t.size, t.signed_size
)
DELETE FROM audit_due d USING head
WHERE d.workspace_id = $1::uuid AND d.tree = $2::smallint AND head.size <= head.signed_size;

-- name: refuse
-- Nothing of it is signed any more.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 text: why
UPDATE audit_tree t SET refused = $3::text, refused_at = now()
{this_tree} AND t.refused IS NULL;

-- name: faults
-- How many trees of these partitions have stopped, and of how many no head is signed any more.
-- $1 integer[]: partitions
SELECT stopped, refused FROM audit_faults($1::int[]);

-- name: resumed
-- Trees that have stopped and shall go on.
-- $1 integer[]: partitions
SELECT workspace_id, tree, partition, why, seq FROM audit_resumed($1::int[]);

-- name: asides
-- What was put aside of a tree, in the order in which it came: 500 records, or 4 MiB and what goes beyond it.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 integer: partition
-- $4 bigint: behind this offset
SELECT p.place, p.event, p.bytes, micros(p.at), p.found = 500 OR p.found > p.number
FROM (SELECT x.*, count(*) OVER () AS found, row_number() OVER (ORDER BY x.place) AS number,
             sum(octet_length(x.bytes)) OVER (ORDER BY x.place) - octet_length(x.bytes) AS before
      FROM (SELECT a.place, a.event, a.bytes, a.at FROM audit_aside a
            WHERE a.workspace_id = $1::uuid AND a.tree = $2::smallint AND a.partition = $3::int AND a.place > $4::bigint
            ORDER BY a.place LIMIT 500) x) p
WHERE p.before < 4194304
ORDER BY p.place;

-- name: take_asides
-- They stand in the tree, or did already.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 integer: partition
-- $4 bigint[]: offsets
DELETE FROM audit_aside WHERE workspace_id = $1::uuid AND tree = $2::smallint AND partition = $3::int AND place = ANY ($4::bigint[]);

-- name: goes_on
-- It has not stopped any more.
-- $1 uuid: workspace
-- $2 smallint: tree
UPDATE audit_tree t SET stopped = NULL, stopped_at = NULL, resumes = NULL, resume_seq = NULL
{this_tree};

-- name: register_key
-- $1 bytea: the public key
SELECT audit_key_register($1::bytea);
