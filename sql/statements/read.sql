-- SCIM resources by id and in lists, as they are answered (sql/ask/read.c). Pages of lists are put together from the
-- parts (sql/ask/read_sql.c): filter, sort key, place and types are the client's to choose.
--
-- $1 is the workspace, $2 the base URL as the inside of a JSON string. r is the row of users, rooms or resources.
--
-- LATERAL with OFFSET 0: row by row through an index, in this order, whatever the statistics say. A plan made while a
-- table is new and thought empty would stay, and read the whole of it.

-- part: newest
-- Of a row with a certain key that changes all the time: the newest generation first, so that nothing behind it is looked
-- at (migrations/0021_newest.sql). There is one row at most.
ORDER BY generation DESC LIMIT 1

-- part: user_columns
r.id, r.doc, r.version, micros(r.created), micros(r.modified), r.managed, r.seat

-- part: room_columns
r.id, r.doc, r.version, micros(r.created), micros(r.modified), r.managed_by IS NOT NULL, NULL::boolean

-- part: other_columns
r.id, r.doc, r.version, micros(r.created), micros(r.modified), NULL::boolean, NULL::boolean

-- part: no_refs
-- Names $2, so that all statements take the same parameters.
NULL::text || $2

-- part: group
-- A room m of a user, as JSON; g is its row.
'{"value":"' || m.room_id || '","$ref":"' || $2 || '/Groups/' || m.room_id ||
'","display":' || to_json(g.display_name) || ',"type":"direct"}'

-- part: member_id
-- A member m of a room, as JSON, without a name.
'{"value":"' || m.user_id || '","$ref":"' || $2 || '/Users/' || m.user_id || '","type":"User"}'

-- part: member
-- The same with the name; u is the user's row.
'{"value":"' || m.user_id || '","$ref":"' || $2 || '/Users/' || m.user_id ||
'","display":' || to_json(coalesce(u.display_name, u.user_name)) || ',"type":"User"}'

-- part: group_row
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = m.room_id {newest}) g

-- part: member_row
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.id = m.user_id {newest}) u

-- part: groups
-- The rooms of a user, as JSON. NULL where he has more than 500 memberships, those that are held counted: that costs what
-- 501 cost, and so many are read in pieces (more_groups).
(
    SELECT CASE WHEN count(*) <= 500 THEN '[' || coalesce(string_agg(
        {group}, ',' ORDER BY m.room_id) FILTER (WHERE NOT m.held), '') || ']' END
    FROM (
        SELECT x.room_id, x.held FROM members x
        WHERE x.workspace_id = r.workspace_id AND x.user_id = r.id ORDER BY x.room_id LIMIT 501
    ) m
    {group_row}
)

-- part: member_ids
-- The members of a room, without their names; else as groups.
(
    SELECT CASE WHEN count(*) <= 500 THEN '[' || coalesce(string_agg(
        {member_id}, ',' ORDER BY m.user_id) FILTER (WHERE NOT m.held), '') || ']' END
    FROM (
        SELECT x.user_id, x.held FROM members x
        WHERE x.workspace_id = r.workspace_id AND x.room_id = r.id ORDER BY x.user_id LIMIT 501
    ) m
)

-- part: members
-- The members of a room, with their names; else as groups.
(
    SELECT CASE WHEN count(*) <= 500 THEN '[' || coalesce(string_agg(
        {member}, ',' ORDER BY m.user_id) FILTER (WHERE NOT m.held), '') || ']' END
    FROM (
        SELECT x.user_id, x.held FROM members x
        WHERE x.workspace_id = r.workspace_id AND x.room_id = r.id ORDER BY x.user_id LIMIT 501
    ) m
    {member_row}
)

-- name: more_groups
-- A piece of a user's rooms: as JSON with commas between, NULL if none of them counts; how many were looked at; the last.
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 uuid: user
-- $4 uuid: the room behind which the piece begins
-- $5 bigint: memberships to look at
SELECT string_agg({group}, ',' ORDER BY m.room_id) FILTER (WHERE NOT m.held), count(*), max(m.room_id::text)
FROM (
    SELECT x.room_id, x.held FROM members x
    WHERE x.workspace_id = $1::uuid AND x.user_id = $3::uuid AND x.room_id > $4::uuid
    ORDER BY x.room_id LIMIT $5::bigint
) m
{group_row};

-- name: more_member_ids
-- The same of a room's members, without their names.
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 uuid: room
-- $4 uuid: the user behind whom the piece begins
-- $5 bigint: memberships to look at
SELECT string_agg({member_id}, ',' ORDER BY m.user_id) FILTER (WHERE NOT m.held), count(*), max(m.user_id::text)
FROM (
    SELECT x.user_id, x.held FROM members x
    WHERE x.workspace_id = $1::uuid AND x.room_id = $3::uuid AND x.user_id > $4::uuid
    ORDER BY x.user_id LIMIT $5::bigint
) m;

-- name: more_members
-- The same with their names.
-- parameters as more_member_ids
SELECT string_agg({member}, ',' ORDER BY m.user_id) FILTER (WHERE NOT m.held), count(*), max(m.user_id::text)
FROM (
    SELECT x.user_id, x.held FROM members x
    WHERE x.workspace_id = $1::uuid AND x.room_id = $3::uuid AND x.user_id > $4::uuid
    ORDER BY x.user_id LIMIT $5::bigint
) m
{member_row};

-- name: user
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 uuid[]: users
SELECT {user_columns}, {no_refs}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.id = a.id {newest}) r;

-- name: user_groups
-- parameters as user
SELECT {user_columns}, {groups}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.id = a.id {newest}) r;

-- name: user_named
-- By userName; the columns of a page.
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 text[]: folded names
SELECT {user_columns}, {no_refs}, r.user_name_key
FROM unnest($3::text[]) AS a (name)
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.user_name_key = a.name {newest}) r;

-- name: user_named_groups
-- parameters as user_named
SELECT {user_columns}, {groups}, r.user_name_key
FROM unnest($3::text[]) AS a (name)
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.user_name_key = a.name {newest}) r;

-- name: room
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 uuid[]: rooms
SELECT {room_columns}, {no_refs}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = a.id {newest}) r;

-- name: room_member_ids
-- parameters as room
SELECT {room_columns}, {member_ids}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = a.id {newest}) r;

-- name: room_members
-- parameters as room
SELECT {room_columns}, {members}
FROM unnest($3::uuid[]) AS a (id)
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = a.id {newest}) r;

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

-- part: walk_from
-- The same from a number on. What is passed over is read in the index alone.
SELECT {what} FROM (
    SELECT r.id FROM {table} r WHERE {source} ORDER BY {order} LIMIT {limit} OFFSET {skip}
) p
CROSS JOIN LATERAL (SELECT * FROM {table} z WHERE z.workspace_id = $1::uuid AND z.id = p.id OFFSET 0) r

-- part: walk_members
-- A condition: the resources at the own side of memberships, along the index of members, no further than the page goes.
r.id = ANY (ARRAY(
    SELECT {own} FROM members m WHERE m.workspace_id = $1::uuid AND {id} = {value} AND NOT m.held AND {beyond}
    ORDER BY {order} LIMIT {limit} OFFSET {skip}
))

-- part: count_members
(SELECT count(*) FROM members m WHERE m.workspace_id = $1::uuid AND {id} = {value} AND NOT m.held)

-- part: total
SELECT {sum}

-- part: counted
-- The number of a type's resources, which its workspace keeps.
(SELECT {column} FROM workspaces WHERE workspace_id = $1::uuid ORDER BY generation DESC LIMIT 1)

-- part: count
(SELECT count(*) FROM {table} r WHERE {source})

-- part: membership_columns
-- A membership r as a resource, with the rows g of its room and u of its user. $4 is the name of the type. Its id is the
-- room's and the user's, and its version says whether he may transmit: nothing else of it changes.
r.room_id || '.' || r.user_id,
'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:' || $4::text ||
'","urn:ietf:params:scim:schemas:extension:usher:2.0:GroupMembership"],"group":{"value":"' || r.room_id ||
'","$ref":"' || $2 || '/Groups/' || r.room_id || '","display":' || to_json(g.display_name) ||
'},"member":{"value":"' || r.user_id || '","$ref":"' || $2 || '/Users/' || r.user_id ||
'","type":"User","display":' || to_json(coalesce(u.display_name, u.user_name)) ||
'},"urn:ietf:params:scim:schemas:extension:usher:2.0:GroupMembership":{"transmit":' || r.transmit || '}}',
CASE WHEN r.transmit THEN 2 ELSE 1 END, micros(r.created), micros(coalesce(r.modified, r.created)),
NULL::boolean, NULL::boolean, NULL::text

-- part: membership_sides
CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = r.room_id OFFSET 0) g
CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.id = r.user_id OFFSET 0) u

-- name: membership
-- Who is held is no member. The ids are taken apart first: what row-level security guards is compared with columns alone,
-- or PostgreSQL 17 does not look for both ids in the index, but reads all members of the workspace.
-- $1 uuid: workspace
-- $2 text: base URL
-- $3 text[]: memberships
-- $4 text: name of the type
SELECT {membership_columns}
FROM (
    SELECT split_part(x.id, '.', 1)::uuid AS room, split_part(x.id, '.', 2)::uuid AS who FROM unnest($3::text[]) AS x (id) OFFSET 0
) a
CROSS JOIN LATERAL (
    SELECT * FROM members z
    WHERE z.workspace_id = $1::uuid AND z.room_id = a.room AND z.user_id = a.who AND NOT z.held OFFSET 0
) r
{membership_sides};

-- part: memberships_page
-- A page of memberships, along the index of members that leads to them. $3 is how many rows; the place of one is its
-- room's id (the key) and its user's.
SELECT {membership_columns}, r.room_id
FROM (
    SELECT * FROM members r WHERE r.workspace_id = $1::uuid AND NOT r.held AND {source}
    ORDER BY {order} LIMIT $3::bigint OFFSET {skip}
) r
{membership_sides}
ORDER BY {shown}

-- part: memberships_total
SELECT count(*) FROM members r WHERE r.workspace_id = $1::uuid AND NOT r.held AND {source}
