-- SCIM resources by id and in lists, as they are answered (sql/ask/read.c). Pages of lists are put together from the
-- parts (sql/ask/read_sql.c): filter, sort key, place and types are the client's to choose.
--
-- $1 is the workspace, $2 the base URL as the inside of a JSON string. r is the row of users, rooms or resources.
--
-- LATERAL with OFFSET 0: row by row through an index, in this order, whatever the statistics say. A plan made while a
-- table is new and thought empty would stay, and read the whole of it.

-- part: user_columns
r.id, r.doc, r.version, micros(r.created), micros(r.modified), r.managed, r.seat

-- part: other_columns
r.id, r.doc, r.version, micros(r.created), micros(r.modified), NULL::boolean, NULL::boolean

-- part: no_refs
-- Names $2, so that all statements take the same parameters.
NULL::text || $2

-- part: groups
-- The rooms of a user, as JSON.
coalesce((
    SELECT '[' || string_agg('{"value":"' || m.room_id || '","$ref":"' || $2 || '/Groups/' || m.room_id ||
                             '","display":' || to_json(g.display_name) || ',"type":"direct"}',
                             ',' ORDER BY m.room_id) || ']'
    FROM members m
    CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = m.workspace_id AND z.id = m.room_id OFFSET 0) g
    WHERE m.workspace_id = r.workspace_id AND m.user_id = r.id AND NOT m.held
), '[]')

-- part: member_ids
-- The members of a room, as JSON, without their names.
coalesce((
    SELECT '[' || string_agg('{"value":"' || m.user_id || '","$ref":"' || $2 || '/Users/' || m.user_id ||
                             '","type":"User"}',
                             ',' ORDER BY m.user_id) || ']'
    FROM members m
    WHERE m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held
), '[]')

-- part: members
-- The same with their names.
coalesce((
    SELECT '[' || string_agg('{"value":"' || m.user_id || '","$ref":"' || $2 || '/Users/' || m.user_id ||
                             '","display":' || to_json(coalesce(u.display_name, u.user_name)) || ',"type":"User"}',
                             ',' ORDER BY m.user_id) || ']'
    FROM members m
    CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = m.workspace_id AND z.id = m.user_id OFFSET 0) u
    WHERE m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held
), '[]')

-- name: user
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 uuid[]: users
SELECT {user_columns}, {no_refs}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.id = a.id OFFSET 0) r;

-- name: user_groups
-- parameters as user
SELECT {user_columns}, {groups}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.id = a.id OFFSET 0) r;

-- name: room
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 uuid[]: rooms
SELECT {other_columns}, {no_refs}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = a.id OFFSET 0) r;

-- name: room_member_ids
-- parameters as room
SELECT {other_columns}, {member_ids}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = a.id OFFSET 0) r;

-- name: room_members
-- parameters as room
SELECT {other_columns}, {members}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = a.id OFFSET 0) r;

-- name: resource
-- Of an operator's type.
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 uuid[]: resources
-- $4 text: name of the type
SELECT {other_columns}, {no_refs}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (
    SELECT * FROM resources z WHERE z.workspace_id = $1::uuid AND z.id = a.id AND z.type = $4::text OFFSET 0
) r;

-- part: page
-- A page of one type: its rows as they are, and to those alone what else is shown.
SELECT {columns}, {refs}, {key}
FROM (
    SELECT * FROM ({rows}) r
    WHERE {beyond}
    ORDER BY {order}
    LIMIT {limit} OFFSET {skip}
) r
ORDER BY {shown}

-- part: mixed_page
-- A page of several types: the ids first, then each row from its table.
SELECT x.*, {key}, r.part
FROM (
    SELECT * FROM ({rows}) r
    WHERE {beyond}
    ORDER BY {order}
    LIMIT {limit} OFFSET {skip}
) r
CROSS JOIN LATERAL (
    {bodies}
) x
ORDER BY {shown}

-- part: body
-- Of a page of several types: the rows of one of them.
(SELECT {columns}, {refs}
 FROM (SELECT * FROM {table} z WHERE r.part = {part} AND z.workspace_id = $1::uuid AND z.id = r.id OFFSET 0) r)

-- part: union
UNION ALL

-- part: found
-- Rows with a filter or a sort key are found first and sorted then (OFFSET 0): the order must not tempt into a walk
-- along the primary key.
SELECT {what} FROM {table} r WHERE {source} OFFSET 0

-- part: walk
-- Rows without either are found along an index in the order of ids, from the place on, and no further than the page
-- goes: the primary key, or that of (workspace, type, id), which the planner takes for sure only where the type is a
-- range and a part of the order.
SELECT {what} FROM {table} r WHERE {source} ORDER BY {order} LIMIT {limit}

-- part: total
SELECT {sum}

-- part: counted
-- The number of a type's resources, which its workspace keeps.
(SELECT {column} FROM workspaces WHERE workspace_id = $1::uuid)

-- part: count
(SELECT count(*) FROM {table} r WHERE {source})
