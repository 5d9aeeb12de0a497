-- A new epoch of all workspaces' numbers (usherctl restore, usherctl rooms rebuild).

-- name: waits
-- Workspaces that the streams were not told of yet.
SELECT count(*) FROM new_epochs;

-- name: rows
-- How far the outbox goes in each partition: the last row, the mark, and where the topics went on behind the mark.
-- $1 integer: partitions
SELECT p, greatest(coalesce((SELECT max(o.number) FROM outbox o WHERE o.partition = p), 0), coalesce(m.mark, 0)),
       coalesce(m.mark, 0), coalesce(m.positions::text, '{}')
FROM generate_series(0, $1::int - 1) AS p LEFT JOIN marks m ON m.partition = p
ORDER BY p;

-- name: workers
-- Those that run, by the locks of their slots.
-- $1 oid: class of those locks
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = $1::oid AND objsubid = 2 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database());

-- name: plan
-- Every workspace, of this database and of the streams, with the numbers at which its new epoch begins: beyond all that the tables and
-- the streams know. Two of usher.membership, because the states in usher.rooms have a number of their own.
-- $1 bigint: epoch
-- $2 text: reason
-- $3 uuid[]: workspaces that the streams have shown
-- $4 integer[]: partition of each
-- $5 bigint[]: their highest numbers in usher.membership …
-- $6 bigint[]: … usher.events …
-- $7 bigint[]: … and usher.audit
INSERT INTO new_epochs (workspace, partition, epoch, reason, was_epoch, was, first)
SELECT coalesce(w.workspace_id, s.workspace_id), s.partition, $1::bigint, $2::text, coalesce(w.epoch, 1),
       ARRAY[coalesce(w.membership_seq, 0), coalesce(w.events_seq, 0), coalesce(w.audit_seq, 0)],
       ARRAY[greatest(w.membership_seq, s.membership, 0) + 2, greatest(w.events_seq, s.events, 0) + 1, greatest(w.audit_seq, s.audit, 0) + 1]
FROM unnest($3::uuid[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[]) AS s (workspace_id, partition, membership, events, audit)
LEFT JOIN workspaces w ON w.workspace_id = s.workspace_id;

-- name: count_on
-- The workspaces of this database count on from there.
UPDATE workspaces w
SET epoch = n.epoch, membership_seq = n.first[1], events_seq = n.first[2], audit_seq = n.first[3]
FROM new_epochs n WHERE n.workspace = w.workspace_id;

-- name: due
-- What is left to tell, partition by partition.
SELECT workspace, partition, epoch, reason, was_epoch, was[1], was[2], was[3], first[1], first[2], first[3]
FROM new_epochs ORDER BY partition, workspace;

-- name: rooms
-- The next rooms of a workspace.
-- $1 uuid: workspace
-- $2 uuid: room before them
SELECT id, display_name FROM rooms WHERE workspace_id = $1::uuid AND id > $2::uuid ORDER BY id LIMIT 2000;

-- name: members
-- The next members of a workspace's rooms.
-- $1 uuid: workspace
-- $2 uuid: room …
-- $3 uuid: … and user before them
SELECT m.room_id, m.user_id, u.user_name, m.transmit
FROM members m JOIN users u ON u.workspace_id = m.workspace_id AND u.id = m.user_id
WHERE m.workspace_id = $1::uuid AND (m.room_id, m.user_id) > ($2::uuid, $3::uuid) AND NOT m.held
ORDER BY m.room_id, m.user_id LIMIT 4000;

-- name: told
-- The streams are told of it.
-- $1 uuid: workspace
DELETE FROM new_epochs WHERE workspace = $1::uuid;
