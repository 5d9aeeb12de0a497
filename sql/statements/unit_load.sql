-- What a unit of work loads: one set-based statement for each kind of object, all in one round trip
-- (sql/unit/postgres.c). Each reads the rows that its arrays name: $1 has the workspaces, the others what is wanted in
-- each of them.
--
-- LATERAL with OFFSET 0: each row is found through an index of all the columns named. A plain join the planner would
-- turn round on a young table, which it takes for empty: it would read all of a workspace's rows to find a few, and
-- keep that plan.

-- part: newest
-- Of a row with a certain key that changes all the time: the newest generation first, so that nothing behind it is looked
-- at (migrations/0021_newest.sql). There is one row at most.
ORDER BY generation DESC LIMIT 1

-- part: user_columns
-- Columns of all resources are the same, in the same places; then comes the document, then what else is asked.
x.workspace_id, x.id, x.user_name, x.user_name_key, x.display_name, x.display_name_key, x.external_id,
       x.active, x.seat, x.managed, x.version, micros(x.created), micros(x.modified), x.managed_by, x.generation

-- part: room_columns
x.workspace_id, x.id, x.display_name, x.display_name_key, NULL::text, NULL::text, x.external_id,
       true, false, x.managed_by IS NOT NULL, x.version, micros(x.created), micros(x.modified), x.managed_by, x.generation

-- part: custom_columns
x.workspace_id, x.id, NULL::text, NULL::text, NULL::text, NULL::text, x.external_id,
       true, false, false, x.version, micros(x.created), micros(x.modified), NULL::uuid, 0

-- part: workspaces
-- Locks them, in the order of their ids. The newest generation of each is its row. The settings are put in from their table.
-- $1 uuid[]: workspaces
SELECT workspace_id, seats_used, membership_seq, audit_seq, events_seq, users_total, epoch, {settings}
FROM (SELECT u.w FROM unnest($1::uuid[]) AS u (w) ORDER BY u.w) a
CROSS JOIN LATERAL (
    SELECT * FROM workspaces t WHERE t.workspace_id = a.w ORDER BY t.generation DESC LIMIT 1 FOR NO KEY UPDATE
) x;

-- name: claims
-- $1 uuid[]: workspaces
-- $2 uuid[]: txns
SELECT c.workspace_id, c.txn, c.outcome, c.origin_partition, c.origin_offset, c.records
FROM unnest($1::uuid[], $2::uuid[]) AS a (w, t)
CROSS JOIN LATERAL (SELECT * FROM command_log t WHERE t.workspace_id = a.w AND t.txn = a.t OFFSET 0) c;

-- name: users
-- $1 uuid[]: workspaces
-- $2 uuid[]: users
-- $3 boolean[]: with the document?
SELECT {user_columns}, CASE WHEN a.doc THEN x.doc END
FROM unnest($1::uuid[], $2::uuid[], $3::bool[]) AS a (w, i, doc)
CROSS JOIN LATERAL (SELECT * FROM users t WHERE t.workspace_id = a.w AND t.id = a.i {newest}) x;

-- name: user_names
-- $1 uuid[]: workspaces
-- $2 text[]: userNames, folded
SELECT {user_columns}, NULL::json
FROM unnest($1::uuid[], $2::text[]) AS a (w, n)
CROSS JOIN LATERAL (SELECT * FROM users t WHERE t.workspace_id = a.w AND t.user_name_key = a.n {newest}) x;

-- name: rooms
-- $1 uuid[]: workspaces
-- $2 uuid[]: rooms
-- $3 boolean[]: with the document?
SELECT {room_columns}, CASE WHEN a.doc THEN x.doc END
FROM unnest($1::uuid[], $2::uuid[], $3::bool[]) AS a (w, i, doc)
CROSS JOIN LATERAL (SELECT * FROM rooms t WHERE t.workspace_id = a.w AND t.id = a.i {newest}) x;

-- name: room_names
-- $1 uuid[]: workspaces
-- $2 text[]: displayNames, folded
SELECT {room_columns}, NULL::json
FROM unnest($1::uuid[], $2::text[]) AS a (w, n)
CROSS JOIN LATERAL (SELECT * FROM rooms t WHERE t.workspace_id = a.w AND t.display_name_key = a.n OFFSET 0) x;

-- name: custom
-- Resources of an operator's types.
-- $1 uuid[]: workspaces
-- $2 uuid[]: resources
-- $3 text[]: their types' names
-- $4 boolean[]: with the document?
SELECT {custom_columns}, CASE WHEN a.doc THEN x.doc END, x.type
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[]) AS a (w, i, y, doc)
CROSS JOIN LATERAL (SELECT * FROM resources t WHERE t.workspace_id = a.w AND t.id = a.i AND t.type = a.y OFFSET 0) x;

-- name: values
-- Who has a unique value.
-- $1 uuid[]: workspaces
-- $2 text[]: types' names
-- $3 text[]: paths
-- $4 text[]: values as keys
SELECT k.workspace_id, k.type, k.path, k.key, k.resource_id
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS a (w, y, p, k)
CROSS JOIN LATERAL (
    SELECT * FROM resource_keys t
    WHERE t.workspace_id = a.w AND t.type = a.y AND t.path = a.p AND t.key = a.k AND t.is_unique OFFSET 0
) k;

-- name: bulks
-- $1 uuid[]: workspaces
-- $2 uuid[]: txns of Bulks
SELECT b.workspace_id, b.bulk, b.failures
FROM unnest($1::uuid[], $2::uuid[]) AS a (w, t)
CROSS JOIN LATERAL (SELECT * FROM bulk_failures t WHERE t.workspace_id = a.w AND t.bulk = a.t OFFSET 0) b;

-- name: members
-- $1 uuid[]: workspaces
-- $2 uuid[]: rooms
-- $3 uuid[]: users
SELECT m.workspace_id, m.room_id, m.user_id, m.transmit, m.held
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS a (w, r, u)
CROSS JOIN LATERAL (
    SELECT * FROM members t WHERE t.workspace_id = a.w AND t.room_id = a.r AND t.user_id = a.u OFFSET 0
) m;

-- name: mails
-- Unmanaged users who may have an e-mail address: it is one of theirs, or the userName.
-- $1 uuid[]: workspaces
-- $2 text[]: addresses, folded
SELECT {user_columns}, x.doc, a.n
FROM unnest($1::uuid[], $2::text[]) AS a (w, n)
CROSS JOIN LATERAL (
    SELECT t.resource_id AS i FROM resource_keys t
    WHERE t.workspace_id = a.w AND t.type = 'User' AND t.path = 'emails.value' AND t.key = a.n
    UNION
    (SELECT t.id FROM users t WHERE t.workspace_id = a.w AND t.user_name_key = a.n {newest}) OFFSET 0
) k
CROSS JOIN LATERAL (SELECT * FROM users t WHERE t.workspace_id = a.w AND t.id = k.i {newest}) x
WHERE NOT x.managed;

-- name: room_members
-- The next memberships of a room, each with its user.
-- $1 uuid: workspace
-- $2 uuid: room
-- $3 uuid: the user behind whom they begin
-- $4 bigint: how many at most
SELECT m.transmit, m.held, {user_columns}
FROM (
    SELECT * FROM members t WHERE t.workspace_id = $1::uuid AND t.room_id = $2::uuid AND t.user_id > $3::uuid
    ORDER BY t.user_id LIMIT $4::bigint
) m
CROSS JOIN LATERAL (SELECT * FROM users t WHERE t.workspace_id = m.workspace_id AND t.id = m.user_id {newest}) x
ORDER BY m.user_id;

-- name: user_rooms
-- The next memberships of a user, each with its room.
-- $1 uuid: workspace
-- $2 uuid: user
-- $3 uuid: the room behind which they begin
-- $4 bigint: how many at most
SELECT m.transmit, m.held, {room_columns}
FROM (
    SELECT * FROM members t WHERE t.workspace_id = $1::uuid AND t.user_id = $2::uuid AND t.room_id > $3::uuid
    ORDER BY t.room_id LIMIT $4::bigint
) m
CROSS JOIN LATERAL (SELECT * FROM rooms t WHERE t.workspace_id = m.workspace_id AND t.id = m.room_id {newest}) x
ORDER BY m.room_id;

-- name: sliced
-- Large commands whose slices are under way. After the workspaces are locked: nobody else changes it now.
-- $1 uuid[]: workspaces
SELECT s.workspace_id, s.txn
FROM unnest($1::uuid[]) AS a (w)
CROSS JOIN LATERAL (SELECT * FROM slices t WHERE t.workspace_id = a.w OFFSET 0) s;
