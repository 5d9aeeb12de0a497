-- Large commands, which are done in slices: their plans, and what is asked to make one (sql/unit/postgres_slices.c).
-- $1 is the workspace in all of them.

-- name: member_ids
-- All of a room's users, in order, with whether each is held.
-- $1 uuid: workspace
-- $2 uuid: room
SELECT m.user_id, m.held FROM members m
WHERE m.workspace_id = $1::uuid AND m.room_id = $2::uuid
ORDER BY m.user_id;

-- name: member_names
-- The same with their names.
-- $1 uuid: workspace
-- $2 uuid: room
SELECT m.user_id, m.held, x.user_name, x.display_name
FROM members m
CROSS JOIN LATERAL (SELECT * FROM users t WHERE t.workspace_id = m.workspace_id AND t.id = m.user_id OFFSET 0) x
WHERE m.workspace_id = $1::uuid AND m.room_id = $2::uuid
ORDER BY m.user_id;

-- name: known_users
-- Which of these users there are, and whether each is active.
-- $1 uuid: workspace
-- $2 uuid[]: users
SELECT u.id, u.active
FROM unnest($2::uuid[]) AS a (i)
CROSS JOIN LATERAL (SELECT * FROM users t WHERE t.workspace_id = $1::uuid AND t.id = a.i OFFSET 0) u;

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
-- $8 uuid[]: users who leave the room
-- $9 uuid[]: users who come
-- $10 text[]: users who are unknown
INSERT INTO slices (workspace_id, txn, partition, work, hidden_room, hidden_user, user_gone, removes, adds, unknown, done, after, counted)
VALUES ($1::uuid, $2::uuid, $3::int, $4::json, $5::uuid, $6::uuid, $7::bool, $8::uuid[], $9::uuid[], $10::text[], 0,
        '00000000-0000-0000-0000-000000000000', 0);

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
