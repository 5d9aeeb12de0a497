-- A key or an owner that usherctl's command line names. At most one of those with a name should be alive.

-- name: key_by_id
-- $1 uuid: key
-- $2 uuid: workspace; NULL: any
SELECT workspace_id, id, name, revoked IS NULL FROM keys
WHERE id = $1::uuid AND ($2::uuid IS NULL OR workspace_id = $2::uuid);

-- name: key_by_name
-- $1 text: name
-- $2 uuid: workspace; NULL: any
SELECT workspace_id, id, name, revoked IS NULL FROM keys
WHERE name = $1 AND ($2::uuid IS NULL OR workspace_id = $2::uuid)
ORDER BY revoked IS NULL DESC;

-- name: owner_by_id
-- $1 uuid: owner
-- $2 uuid: workspace; NULL: any
SELECT workspace_id, id, name, revoked IS NULL FROM owners
WHERE id = $1::uuid AND ($2::uuid IS NULL OR workspace_id = $2::uuid);

-- name: owner_by_name
-- $1 text: name
-- $2 uuid: workspace; NULL: any
SELECT workspace_id, id, name, revoked IS NULL FROM owners
WHERE name = $1 AND ($2::uuid IS NULL OR workspace_id = $2::uuid)
ORDER BY revoked IS NULL DESC;

-- name: owner_first
-- The owner who was made first, of those who may still sign in.
-- $1 uuid: workspace
SELECT id, name FROM owners
WHERE workspace_id = $1::uuid AND role = 'owner' AND revoked IS NULL AND (expires > now()) IS NOT FALSE
ORDER BY created, id LIMIT 1;
