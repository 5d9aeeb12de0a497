-- Large commands, which are done in slices: their plans, and what is asked to make one (sql/unit/postgres_slices.c).
-- $1 is the workspace in all of them.

-- part: newest
-- Of a row with a certain key that changes all the time: the newest generation first, so that nothing behind it is looked
-- at (migrations/0021_newest.sql). There is one row at most.
ORDER BY generation DESC LIMIT 1

-- name: member_ids
-- The next of a room's users, in order, with whether each is held.
-- $1 uuid: workspace
-- $2 uuid: room
-- $3 uuid: the user behind whom they begin
-- $4 bigint: how many at most
SELECT m.user_id, m.held FROM members m
WHERE m.workspace_id = $1::uuid AND m.room_id = $2::uuid AND m.user_id > $3::uuid
ORDER BY m.user_id LIMIT $4::bigint;

-- name: member_names
-- The same with their names.
-- $1 uuid: workspace
-- $2 uuid: room
-- $3 uuid: the user behind whom they begin
-- $4 bigint: how many at most
SELECT m.user_id, m.held, x.user_name, x.display_name
FROM (
    SELECT * FROM members t WHERE t.workspace_id = $1::uuid AND t.room_id = $2::uuid AND t.user_id > $3::uuid
    ORDER BY t.user_id LIMIT $4::bigint
) m
CROSS JOIN LATERAL (SELECT * FROM users t WHERE t.workspace_id = m.workspace_id AND t.id = m.user_id {newest}) x
ORDER BY m.user_id;

-- name: count_members
-- How many of a room's users are not held.
-- $1 uuid: workspace
-- $2 uuid: room
SELECT count(*) FROM members m WHERE m.workspace_id = $1::uuid AND m.room_id = $2::uuid AND NOT m.held;

-- name: known_users
-- What is to be said of these users. Most are active and no members yet, so those are left out: a row is dearer than
-- the look-up.
-- $1 uuid: workspace
-- $2 uuid: the room whose members are asked for; NULL: none
-- $3 uuid[]: users
SELECT a.i, u.active, m.held
FROM unnest($3::uuid[]) AS a (i)
LEFT JOIN LATERAL (SELECT t.active FROM users t WHERE t.workspace_id = $1::uuid AND t.id = a.i {newest}) u ON true
LEFT JOIN LATERAL (
    SELECT t.held FROM members t WHERE t.workspace_id = $1::uuid AND t.room_id = $2::uuid AND t.user_id = a.i OFFSET 0
) m ON true
WHERE u.active IS NOT TRUE OR m.held IS NOT NULL;

-- name: plan
-- What a slice needs: the cursor, and the next users on the lists, which stand one behind the other.
-- $1 uuid: workspace
-- $2 integer: how many at most
SELECT s.txn, s.partition, s.work, s.hidden_room, s.hidden_user, s.user_gone, s.done, s.after, s.counted,
       s.r, s.a, s.u,
       to_json(s.removes[s.done + 1 : s.done + $2::int]),
       to_json(s.adds[s.done - s.r + 1 : s.done - s.r + $2::int]),
       to_json(s.unknown[s.done - s.r - s.a + 1 : s.done - s.r - s.a + $2::int])
FROM (
    SELECT *, cardinality(t.removes)::bigint AS r, cardinality(t.adds)::bigint AS a, cardinality(t.unknown)::bigint AS u
    FROM slices t WHERE t.workspace_id = $1::uuid OFFSET 0
) s;

-- name: plan_insert
-- $1 uuid: workspace
-- $2 uuid: txn of the command
-- $3 integer: partition of usher.commands
-- $4 json: what each slice needs to know
-- $5 uuid: a room that is hidden
-- $6 uuid: a user who is hidden in rooms
-- $7 boolean: and hidden altogether
-- $8 text[]: users who are unknown
-- $9 integer: how many users leave the room
-- $10 uuid[]: those, and behind them the users who come
INSERT INTO slices (workspace_id, txn, partition, work, hidden_room, hidden_user, user_gone, removes, adds, unknown, done, after, counted)
VALUES ($1::uuid, $2::uuid, $3::int, $4::json, $5::uuid, $6::uuid, $7::bool, ($10::uuid[])[1:$9::int],
        ($10::uuid[])[$9::int + 1:], $8::text[], 0, '00000000-0000-0000-0000-000000000000', 0);

-- name: plan_move
-- $1 uuid: workspace
-- $2 bigint: how many of the lists are done
-- $3 uuid: up to which id it is done
-- $4 bigint: what was counted
UPDATE slices SET done = $2::bigint, after = $3::uuid, counted = $4::bigint WHERE workspace_id = $1::uuid;

-- name: plan_delete
-- $1 uuid: workspace
DELETE FROM slices WHERE workspace_id = $1::uuid;

-- name: under_way
-- Workspaces of a partition with a large command whose slices are under way.
-- $1 integer: partition
SELECT workspace_id, txn FROM slices_of($1::int);
