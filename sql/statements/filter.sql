-- Pieces of conditions (sql/filter/): what a client's filter means, and what it sorts by. r is the resource's row, m a row
-- of members that belongs to it, t the user or room at the other side, e an element of a list, s a value of one of its
-- sub-attributes. Every value is a parameter, and $1 is the workspace.

-- part: members
FROM members m WHERE {of}

-- part: members_with_other
FROM members m JOIN {other} t ON {join} WHERE {of}

-- part: elements
FROM jsonb_array_elements(CASE WHEN jsonb_typeof({json}) = 'array' THEN {json} END) AS e(v)

-- part: values
FROM jsonb_array_elements(CASE WHEN jsonb_typeof({json}) = 'array' THEN {json} END) AS s(v)

-- part: any
EXISTS (SELECT {rows})

-- part: any_where
EXISTS (SELECT {rows} WHERE {condition})

-- part: any_and
-- The rows have a WHERE already.
EXISTS (SELECT {rows} AND {condition})

-- part: differs
-- `ne`: true for one of the rows, or there is none.
(SELECT coalesce(bool_or({condition}), true) {rows})

-- part: other_that
-- The row of the other side that belongs to m.
EXISTS (SELECT FROM {other} t WHERE {join} AND {condition})

-- part: present
-- Something in it is assigned and not empty.
jsonb_path_exists({json}, 'strict $.** ? ((@.type() == "string" && @ != "") || @.type() == "number" || @.type() == "boolean")')

-- part: by_key
-- Resources that have a value, by the index of resource_keys.
r.id = ANY (ARRAY(SELECT k.resource_id FROM resource_keys k WHERE k.workspace_id = $1::uuid AND k.type = {type} AND k.path = {path} AND k.key = {key}))

-- part: by_member
-- Resources at the own side of memberships, by the index of members.
r.id = ANY (ARRAY(SELECT {own} FROM members m WHERE m.workspace_id = $1::uuid AND {id} = {value} AND NOT m.held))

-- part: first_member
-- A sort key: the first of the other side.
(SELECT {key} {rows} ORDER BY {id} LIMIT 1)

-- part: first_element
-- A sort key: the first element.
(SELECT {key} FROM jsonb_array_elements(CASE WHEN jsonb_typeof({json}) = 'array' THEN {json} END) WITH ORDINALITY AS e(v, n) ORDER BY e.n LIMIT 1)

-- part: primary_element
-- A sort key: the primary element, else the first.
(SELECT {key} FROM jsonb_array_elements(CASE WHEN jsonb_typeof({json}) = 'array' THEN {json} END) WITH ORDINALITY AS e(v, n) ORDER BY ((e.v->'primary') = 'true'::jsonb) IS TRUE DESC, e.n LIMIT 1)

-- part: group_display
-- The folded name of a membership's room, and that of its user.
(SELECT z.display_name_key FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = r.room_id)

-- part: member_display
(SELECT coalesce(z.display_name_key, z.user_name_key) FROM users z WHERE z.workspace_id = $1::uuid AND z.id = r.user_id)

-- part: membership_search
-- What is assigned in every membership.
(jsonb_build_object('schemas', jsonb_build_array({urn}, 'urn:ietf:params:scim:schemas:extension:usher:2.0:GroupMembership'),
                    'group', '{"value":"x"}'::jsonb, 'member', '{"value":"x"}'::jsonb,
                    'urn:ietf:params:scim:schemas:extension:usher:2.0:groupmembership', '{"transmit":true}'::jsonb)
