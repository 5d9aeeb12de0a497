-- usherctl schema reindex: what follows from the documents alone is made anew, 200 of them in a transaction.

-- name: lock
-- Holds the workspace as a worker's transaction does.
-- $1 uuid: workspace
SELECT FROM workspaces WHERE workspace_id = $1::uuid ORDER BY generation DESC LIMIT 1 FOR NO KEY UPDATE;

-- name: users
-- The next documents.
-- $1 uuid: workspace
-- $2 uuid: id of the last one before
SELECT id::text, 'User', doc::text FROM users
WHERE workspace_id = $1::uuid AND id > $2::uuid ORDER BY id LIMIT 200;

-- name: rooms
-- parameters as users
SELECT id::text, 'Group', doc::text FROM rooms
WHERE workspace_id = $1::uuid AND id > $2::uuid ORDER BY id LIMIT 200;

-- name: resources
-- parameters as users
SELECT id::text, type, doc::text FROM resources
WHERE workspace_id = $1::uuid AND id > $2::uuid ORDER BY id LIMIT 200;

-- name: update_users
-- What is searched of them; rows that say it already are not written.
-- $1 uuid: workspace
-- $2 uuid[]: ids
-- $3 text[]: what is searched of each
UPDATE users r SET search = a.search::jsonb
FROM unnest($2::uuid[], $3::text[]) AS a (id, search)
WHERE r.workspace_id = $1::uuid AND r.id = a.id AND r.search IS DISTINCT FROM a.search::jsonb;

-- name: update_rooms
-- parameters as update_users
UPDATE rooms r SET search = a.search::jsonb
FROM unnest($2::uuid[], $3::text[]) AS a (id, search)
WHERE r.workspace_id = $1::uuid AND r.id = a.id AND r.search IS DISTINCT FROM a.search::jsonb;

-- name: update_resources
-- parameters as update_users
UPDATE resources r SET search = a.search::jsonb
FROM unnest($2::uuid[], $3::text[]) AS a (id, search)
WHERE r.workspace_id = $1::uuid AND r.id = a.id AND r.search IS DISTINCT FROM a.search::jsonb;

-- name: forget_keys
-- $1 uuid: workspace
-- $2 uuid[]: ids of resources
DELETE FROM resource_keys WHERE workspace_id = $1::uuid AND resource_id = ANY ($2::uuid[]);

-- name: insert_keys
-- A unique value that another resource has is left out here.
-- $1 uuid: workspace
-- $2 uuid[]: ids of resources
-- $3 text[]: their types' names
-- $4 text[]: paths
-- $5 text[]: values as keys
-- $6 boolean[]: unique
INSERT INTO resource_keys (workspace_id, resource_id, type, path, key, is_unique)
SELECT DISTINCT $1::uuid, a.id, a.type, a.path, a.key, a.is_unique
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[]) AS a (id, type, path, key, is_unique)
ORDER BY 2, 4, 5
ON CONFLICT DO NOTHING;

-- name: insert_twice
-- Those that were left out become keys that need not be unique, so that they are found; each is named.
-- parameters as insert_keys
INSERT INTO resource_keys (workspace_id, resource_id, type, path, key, is_unique)
SELECT DISTINCT $1::uuid, a.id, a.type, a.path, a.key, false
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[]) AS a (id, type, path, key, is_unique)
WHERE a.is_unique
ON CONFLICT DO NOTHING
RETURNING type, resource_id::text, path, key;
