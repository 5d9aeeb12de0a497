-- What a unit of work stores: one set-based statement for each table and kind of change, in one round trip
-- (sql/unit/postgres_store.c). Parameters are arrays, one for each column; $1 has the workspaces. Times are
-- microseconds since 1970.
--
-- No statement here leaves the planner a choice that could go wrong on a young table, which it takes for empty. Rows
-- are changed by way of their key's index (ON CONFLICT) or by their place in the table (ctid), which is found through
-- the key's index. A plain join with the arrays may be turned round, into reading the whole table, and the plan stays.

-- part: newest
-- Of a row with a certain key that changes all the time: the newest generation first, so that nothing behind it is looked
-- at (migrations/0021_newest.sql). There is one row at most.
ORDER BY generation DESC LIMIT 1

-- part: user_rows
INSERT INTO users (workspace_id, id, user_name, user_name_key, external_id, display_name, display_name_key,
                   active, seat, managed, doc, search, version, created, modified, managed_by, generation)
SELECT a.workspace, a.id, a.name, a.name_key, a.external_id, a.display_name, a.display_name_key,
       a.active, a.seat, a.managed, a.doc::json, a.search::jsonb, a.version,
       to_timestamp(a.created / 1000000.0::float8), to_timestamp(a.modified / 1000000.0::float8), a.managed_by, a.generation
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::bool[],
            $10::bool[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::uuid[],
            $17::bigint[])
     AS a (workspace, id, name, name_key, external_id, display_name, display_name_key, active, seat,
           managed, doc, search, version, created, modified, managed_by, generation)

-- name: user_insert
-- $1 uuid[]: workspaces
-- $2 uuid[]: ids
-- $3 text[]: userNames
-- $4 text[]: userNames, folded
-- $5 text[]: externalIds
-- $6 text[]: displayNames
-- $7 text[]: displayNames, folded
-- $8 boolean[]: active
-- $9 boolean[]: has a seat
-- $10 boolean[]: is the identity provider's
-- $11 text[]: documents
-- $12 text[]: what is searched of them
-- $13 bigint[]: versions
-- $14 bigint[]: when made
-- $15 bigint[]: when changed
-- $16 uuid[]: the keys through which they are managed
-- $17 bigint[]: generations, as they were loaded
{user_rows};

-- name: user_update
-- parameters as user_insert
{user_rows}
ON CONFLICT (workspace_id, id, generation) DO UPDATE
SET user_name = EXCLUDED.user_name, user_name_key = EXCLUDED.user_name_key, external_id = EXCLUDED.external_id,
    display_name = EXCLUDED.display_name, display_name_key = EXCLUDED.display_name_key,
    active = EXCLUDED.active, seat = EXCLUDED.seat, managed = EXCLUDED.managed, managed_by = EXCLUDED.managed_by,
    doc = EXCLUDED.doc, search = EXCLUDED.search, version = EXCLUDED.version, modified = EXCLUDED.modified,
    generation = EXCLUDED.version / 16;

-- name: user_seat
-- Users of whom nothing but the seat changed.
-- $1 uuid[]: workspaces
-- $2 uuid[]: users
WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace, id))
UPDATE users SET seat = NOT seat
WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM a
    CROSS JOIN LATERAL (SELECT t.ctid FROM users t WHERE t.workspace_id = a.workspace AND t.id = a.id {newest}) p
));

-- name: user_delete
-- And when they logged in.
-- $1 uuid[]: workspaces
-- $2 uuid[]: users
WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace, id)),
seen AS (
    DELETE FROM logins
    WHERE ctid = ANY (ARRAY(
        SELECT p.ctid FROM a
        CROSS JOIN LATERAL (
            SELECT t.ctid FROM logins t WHERE t.workspace_id = a.workspace AND t.user_id = a.id OFFSET 0
        ) p
    ))
)
DELETE FROM users
WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM a
    CROSS JOIN LATERAL (SELECT t.ctid FROM users t WHERE t.workspace_id = a.workspace AND t.id = a.id {newest}) p
));

-- part: room_rows
INSERT INTO rooms (workspace_id, id, display_name, display_name_key, external_id, doc, search, version, created, modified,
                   managed_by, generation)
SELECT a.workspace, a.id, a.name, a.name_key, a.external_id, a.doc::json, a.search::jsonb, a.version,
       to_timestamp(a.created / 1000000.0::float8), to_timestamp(a.modified / 1000000.0::float8), a.managed_by, a.generation
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::uuid[], $12::bigint[])
     AS a (workspace, id, name, name_key, external_id, doc, search, version, created, modified, managed_by, generation)

-- name: room_insert
-- $1 uuid[]: workspaces
-- $2 uuid[]: ids
-- $3 text[]: displayNames
-- $4 text[]: displayNames, folded
-- $5 text[]: externalIds
-- $6 text[]: documents
-- $7 text[]: what is searched of them
-- $8 bigint[]: versions
-- $9 bigint[]: when made
-- $10 bigint[]: when changed
-- $11 uuid[]: the keys through which they are managed
-- $12 bigint[]: generations, as they were loaded
{room_rows};

-- name: room_update
-- parameters as room_insert
{room_rows}
ON CONFLICT (workspace_id, id, generation) DO UPDATE
SET display_name = EXCLUDED.display_name, display_name_key = EXCLUDED.display_name_key,
    external_id = EXCLUDED.external_id, doc = EXCLUDED.doc, search = EXCLUDED.search,
    version = EXCLUDED.version, modified = EXCLUDED.modified, managed_by = EXCLUDED.managed_by,
    generation = EXCLUDED.version / 16;

-- name: room_touch
-- Rooms of which only the members changed, by the same number of versions each.
-- $1 uuid[]: workspaces
-- $2 uuid[]: rooms
-- $3 bigint: versions more
-- $4 bigint: when changed
WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace, id))
UPDATE rooms
SET version = version + $3::bigint, modified = to_timestamp($4::bigint / 1000000.0::float8),
    generation = (version + $3::bigint) / 16
WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM a
    CROSS JOIN LATERAL (SELECT t.ctid FROM rooms t WHERE t.workspace_id = a.workspace AND t.id = a.id {newest}) p
));

-- name: room_delete
-- $1 uuid[]: workspaces
-- $2 uuid[]: rooms
WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace, id))
DELETE FROM rooms
WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM a
    CROSS JOIN LATERAL (SELECT t.ctid FROM rooms t WHERE t.workspace_id = a.workspace AND t.id = a.id {newest}) p
));

-- part: custom_rows
INSERT INTO resources (workspace_id, id, type, external_id, doc, search, version, created, modified)
SELECT a.workspace, a.id, a.type, a.external_id, a.doc::json, a.search::jsonb, a.version,
       to_timestamp(a.created / 1000000.0::float8), to_timestamp(a.modified / 1000000.0::float8)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])
     AS a (workspace, id, type, external_id, doc, search, version, created, modified)

-- name: custom_insert
-- Resources of an operator's types.
-- $1 uuid[]: workspaces
-- $2 uuid[]: ids
-- $3 text[]: types' names
-- $4 text[]: externalIds
-- $5 text[]: documents
-- $6 text[]: what is searched of them
-- $7 bigint[]: versions
-- $8 bigint[]: when made
-- $9 bigint[]: when changed
{custom_rows};

-- name: custom_update
-- parameters as custom_insert
{custom_rows}
ON CONFLICT (workspace_id, id) DO UPDATE
SET external_id = EXCLUDED.external_id, doc = EXCLUDED.doc, search = EXCLUDED.search,
    version = EXCLUDED.version, modified = EXCLUDED.modified;

-- name: custom_delete
-- $1 uuid[]: workspaces
-- $2 uuid[]: resources
WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace, id))
DELETE FROM resources
WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM a
    CROSS JOIN LATERAL (SELECT t.ctid FROM resources t WHERE t.workspace_id = a.workspace AND t.id = a.id OFFSET 0) p
));

-- name: value_insert
-- Values by which resources are looked up, or which must be unique.
-- $1 uuid[]: workspaces
-- $2 uuid[]: resources
-- $3 text[]: types' names
-- $4 text[]: paths
-- $5 text[]: values as keys
-- $6 boolean[]: unique
INSERT INTO resource_keys (workspace_id, resource_id, type, path, key, is_unique)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[])
ON CONFLICT (workspace_id, type, path, key, resource_id) DO UPDATE SET is_unique = EXCLUDED.is_unique;

-- name: value_delete
-- $1 uuid[]: workspaces
-- $2 uuid[]: resources
-- $3 text[]: types' names
-- $4 text[]: paths
-- $5 text[]: values as keys
WITH a AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) AS a (workspace, id, type, path, key)
)
DELETE FROM resource_keys
WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM a
    CROSS JOIN LATERAL (
        SELECT t.ctid FROM resource_keys t
        WHERE t.workspace_id = a.workspace AND t.type = a.type AND t.path = a.path AND t.key = a.key
          AND t.resource_id = a.id OFFSET 0
    ) p
));

-- name: bulk
-- How many commands of a Bulk were refused.
-- $1 uuid[]: workspaces
-- $2 uuid[]: txns of Bulks
-- $3 integer[]: refusals
INSERT INTO bulk_failures (workspace_id, bulk, failures)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])
ON CONFLICT (workspace_id, bulk) DO UPDATE SET failures = EXCLUDED.failures;

-- part: member_rows
INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bool[], $5::bool[])

-- name: member_insert
-- $1 uuid[]: workspaces
-- $2 uuid[]: rooms
-- $3 uuid[]: users
-- $4 boolean[]: may transmit
-- $5 boolean[]: held, because the user is inactive
{member_rows};

-- name: member_update
-- parameters as member_insert
{member_rows}
ON CONFLICT (workspace_id, room_id, user_id) DO UPDATE
SET transmit = EXCLUDED.transmit, held = EXCLUDED.held, modified = now();

-- name: member_delete
-- $1 uuid[]: workspaces
-- $2 uuid[]: rooms
-- $3 uuid[]: users
WITH a AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS a (workspace, room, member))
DELETE FROM members
WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM a
    CROSS JOIN LATERAL (
        SELECT t.ctid FROM members t
        WHERE t.workspace_id = a.workspace AND t.room_id = a.room AND t.user_id = a.member OFFSET 0
    ) p
));

-- name: claims
-- Commands with their outcomes.
-- $1 uuid[]: workspaces
-- $2 uuid[]: txns
-- $3 text[]: types
-- $4 text[]: outcomes
-- $5 text[]: events of outcomes that are asked for later
INSERT INTO command_log (workspace_id, txn, type, outcome, event)
SELECT a.workspace, a.txn, a.type, a.outcome::json, a.event
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[]) AS a (workspace, txn, type, outcome, event);

-- name: claims_emitted
-- What a version before stored beside these commands goes out now, and never again. By the key: a place (ctid) is one in
-- each partition.
-- $1 uuid[]: workspaces
-- $2 uuid[]: txns
UPDATE command_log c SET records = NULL
WHERE c.workspace_id = ANY ($1::uuid[]) AND c.txn = ANY ($2::uuid[])
  AND (c.workspace_id, c.txn) IN (SELECT a.workspace, a.txn FROM unnest($1::uuid[], $2::uuid[]) AS a (workspace, txn));
