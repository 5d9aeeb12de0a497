-- What is read of the archive: searches, exports, proofs. Row-level security has been told the workspace before.

-- name: trees
-- Both trees as they are, with the size of the newest signed head.
-- $1 uuid: workspace
SELECT t.tree, t.size,
       coalesce((SELECT max(c.size) FROM audit_checkpoint c
                 WHERE c.workspace_id = t.workspace_id AND c.tree = t.tree AND c.origin = t.origin), 0),
       coalesce(t.first_seq, 0), t.stopped, t.refused, t.origin
FROM audit_tree t WHERE t.workspace_id = $1::uuid ORDER BY t.tree;

-- name: resume
-- For who may change all.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 text: why
SELECT audit_resume($1::uuid, $2::smallint, $3);

-- name: keys
-- Public keys that have signed heads. For who sees all.
SELECT public_key FROM audit_keys ORDER BY created;

-- part: origin
coalesce((SELECT o.origin FROM audit_tree o WHERE o.workspace_id = $1::uuid AND o.tree = $2::smallint ORDER BY o.generation DESC LIMIT 1), 1)

-- name: checkpoint
-- The newest head of a tree with so many leaves at least. One of an origin that has ended proves nothing of this tree.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: leaves
SELECT c.size, c.note FROM audit_checkpoint c
WHERE c.workspace_id = $1::uuid AND c.tree = $2::smallint AND c.size >= $3::bigint AND c.origin = {origin}
ORDER BY c.size DESC LIMIT 1;

-- name: heads
-- The newest head of each tree.
-- $1 uuid: workspace
SELECT t.tree, c.size, c.note, micros(c.at)
FROM (VALUES (1::smallint), (2::smallint)) AS t (tree)
CROSS JOIN LATERAL (
    SELECT z.size, z.note, z.at FROM audit_checkpoint z WHERE z.workspace_id = $1::uuid AND z.tree = t.tree
    ORDER BY z.origin DESC, z.size DESC LIMIT 1
) c ORDER BY t.tree;

-- name: public_keys
-- The same keys as `keys`, for who sees a workspace alone.
SELECT k FROM audit_public_keys() AS k;

-- name: nodes
-- Each out of the run that it stands in (functions/audit_hashes_before.sql).
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 smallint[]: levels …
-- $4 bigint[]: … and indexes
SELECT x.level, x.index, h.hash
FROM unnest($3::smallint[], $4::bigint[]) AS x (level, index)
CROSS JOIN LATERAL (SELECT ((x.index + 1) << x.level) - 1 AS leaf) m
CROSS JOIN LATERAL (
    SELECT substring(z.hashes FROM (least(audit_hashes_before(m.leaf) - audit_hashes_before(z.n) + x.level, 60000000) * 32 + 1)::int FOR 32)
        AS hash
    FROM audit_hashes z WHERE z.workspace_id = $1::uuid AND z.tree = $2::smallint AND z.n <= m.leaf ORDER BY z.n DESC LIMIT 1
) h
WHERE length(h.hash) = 32;

-- name: leaf
-- Up to two records of a tree with that number in it.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: n
SELECT l.tree, l.n, l.event, l.bytes FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.tree = $2::smallint AND l.n = $3::bigint LIMIT 2;

-- name: by_seq
-- Records with a seq, or an instance's n, of that ce_id.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: seq, or n of an instance
-- $4 text: ce_id
SELECT l.tree, l.n, l.event, l.bytes FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.tree = $2::smallint AND l.seq = $3::bigint AND l.event = $4 LIMIT 2;

-- name: by_txn
-- All that a request has left, in order: its own record first.
-- $1 uuid: workspace
-- $2 uuid: txn
SELECT l.tree, l.n, l.event, l.bytes FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.txn = $2::uuid ORDER BY l.tree DESC, l.n LIMIT 1000;


-- name: verify_hashes
-- All hashes that the leaves from the first up to, not including, the last complete: the runs that they stand in.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: the first
-- $4 bigint: behind the last
SELECT h.n, h.hashes FROM audit_hashes h
WHERE h.workspace_id = $1::uuid AND h.tree = $2::smallint AND h.n < $4::bigint
  AND h.n >= coalesce((SELECT max(z.n) FROM audit_hashes z WHERE z.workspace_id = $1::uuid AND z.tree = $2::smallint AND z.n <= $3::bigint),
                      $3::bigint)
ORDER BY h.n;

-- name: verify_beyond
-- Nodes, records and heads that stand behind the end of the tree.
-- $1 uuid: workspace
-- $2 smallint: tree
-- $3 bigint: size
SELECT (SELECT coalesce(sum(greatest(audit_hashes_before(h.n) + length(h.hashes) / 32
                                     - greatest(audit_hashes_before($3::bigint), audit_hashes_before(h.n)), 0)), 0)::bigint
        FROM audit_hashes h
        WHERE h.workspace_id = $1::uuid AND h.tree = $2::smallint
          AND h.n >= coalesce((SELECT max(z.n) FROM audit_hashes z
                               WHERE z.workspace_id = $1::uuid AND z.tree = $2::smallint AND z.n <= $3::bigint), 0)),
       (SELECT count(*) FROM audit_leaf x WHERE x.workspace_id = $1::uuid AND x.tree = $2::smallint AND x.n >= $3::bigint)
       + (SELECT count(*) FROM audit_leaf x WHERE x.workspace_id = $1::uuid AND x.tree = $2::smallint AND x.n < 0),
       (SELECT count(*) FROM audit_checkpoint c
        WHERE c.workspace_id = $1::uuid AND c.tree = $2::smallint AND c.size > $3::bigint AND c.origin = {origin});

-- name: verify_leaves
-- parameters as verify_hashes
SELECT l.n, l.bytes, l.event, l.epoch, l.seq, l.txn, l.actor_kind, l.actor_id, l.actor_name, l.action, l.outcome, l.reason,
       l.target_type, l.target_id, l.target_name, l.subject_id, l.subject_name, l.method, l.path, l.status, l.source, l.user_agent,
       l.rate_limited, rfc3339(l.at)
FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.tree = $2::smallint AND l.n >= $3::bigint AND l.n < $4::bigint ORDER BY l.n;

-- name: verify_checkpoints
-- Heads of these sizes; and whether the records behind them must still be there.
-- parameters as verify_hashes
SELECT c.size, c.root, c.note, c.origin,
       c.at > now() - make_interval(days => coalesce((SELECT w.audit_days FROM workspaces w WHERE w.workspace_id = $1::uuid
                                                      ORDER BY w.generation DESC LIMIT 1),
                                                     (SELECT max(w.audit_days) FROM workspaces w), 365))
FROM audit_checkpoint c
WHERE c.workspace_id = $1::uuid AND c.tree = $2::smallint AND c.size > $3::bigint AND c.size <= $4::bigint ORDER BY c.size;

-- name: verify_gaps
-- Numbers that are missing and known to be.
-- $1 uuid: workspace
-- $2 smallint: tree
SELECT n, epoch, seq, before_epoch, before_seq, why FROM audit_gap WHERE workspace_id = $1::uuid AND tree = $2::smallint ORDER BY n;


-- name: why
-- What has happened to a user in a room, and to both of them, the newest first.
-- $1 uuid: workspace
-- $2 uuid: room
-- $3 uuid: user
SELECT p.tree, p.n, p.event, p.bytes
FROM ((SELECT l.tree, l.n, l.event, l.bytes, l.at FROM audit_leaf l
       WHERE l.workspace_id = $1::uuid AND l.tree = 1 AND l.subject_id = $3::uuid AND l.target_id = $2::uuid
       ORDER BY l.at DESC, l.n DESC LIMIT 20)
      UNION ALL
      (SELECT l.tree, l.n, l.event, l.bytes, l.at FROM audit_leaf l
       WHERE l.workspace_id = $1::uuid AND l.tree = 1 AND l.target_id = $3::uuid
         AND l.action IN ('user.created', 'user.deactivated', 'user.reactivated', 'user.deleted')
       ORDER BY l.at DESC, l.n DESC LIMIT 5)
      UNION ALL
      (SELECT l.tree, l.n, l.event, l.bytes, l.at FROM audit_leaf l
       WHERE l.workspace_id = $1::uuid AND l.tree = 1 AND l.target_id = $2::uuid
         AND l.action IN ('room.created', 'room.deleted', 'command.refused')
       ORDER BY l.at DESC, l.n DESC LIMIT 5)) p
ORDER BY p.at DESC, p.n DESC;

-- name: oldest_day
-- Where the oldest table begins that may have records, in microseconds since 1970; 0 where records stand in no table of a day.
-- $1 uuid: workspace
SELECT audit_oldest($1::uuid);

-- part: rare_action
-- What the index of actions has (migrations/0032_rare_records.sql): the same words, or PostgreSQL does not know that it may use it.
l.action NOT IN ('user.created', 'user.updated', 'user.login', 'seat.taken', 'seat.freed', 'member.added', 'member.removed')

-- part: seat_action
-- Who asks for seats that were taken or freed finds each: in a record of its own, or as the member `seat` in the record of a user. It stands
-- before `target` (schemas/stream/record_audit.c), where quotes of a client are escaped: so nothing that he writes can look like it.
l.tree = 1 AND (l.action = 'seat.{seat}' OR (l.action LIKE 'user.%'
    AND position('"seat":"{seat}"'::bytea IN l.bytes) BETWEEN 1 AND position('"target":'::bytea IN l.bytes)))

-- part: search
-- $1: the workspace; the others are numbered where the conditions are put together. Records of more bytes than that together come with
-- the next page; the last column says how many there are up to the limit. fence: OFFSET 0 where the conditions find a few records, so that
-- PostgreSQL looks them up and then puts them in order. Else it may walk through all, in their order, until it has met them.
SELECT p.tree, p.n, p.event, p.bytes, micros(p.at), p.found
FROM (SELECT x.*, count(*) OVER () AS found,
             sum(octet_length(x.bytes)) OVER (ORDER BY x.at DESC, x.tree DESC, x.n DESC) - octet_length(x.bytes) AS before
      FROM (SELECT l.* FROM (SELECT l.tree, l.n, l.event, l.bytes, l.at FROM audit_leaf l WHERE l.workspace_id = $1::uuid{conditions}{fence}) l
            ORDER BY l.at DESC, l.tree DESC, l.n DESC LIMIT {limit}) x) p
WHERE p.before < {bytes}
ORDER BY p.at DESC, p.tree DESC, p.n DESC

-- part: export
-- The same in the order of the tree.
SELECT p.tree, p.n, p.event, p.bytes, micros(p.at), p.found
FROM (SELECT x.*, count(*) OVER () AS found, sum(octet_length(x.bytes)) OVER (ORDER BY x.n) - octet_length(x.bytes) AS before
      FROM (SELECT l.* FROM (SELECT l.tree, l.n, l.event, l.bytes, l.at FROM audit_leaf l WHERE l.workspace_id = $1::uuid{conditions}{fence}) l
            ORDER BY l.n LIMIT {limit}) x) p
WHERE p.before < {bytes}
ORDER BY p.n
