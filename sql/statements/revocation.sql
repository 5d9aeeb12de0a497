-- A key or an owner is revoked at once (functions/key_revoke_now.sql, owner_revoke_now.sql). The first column: the
-- workspace has such a credential, alive or not.

-- name: key
-- $1 uuid: workspace
-- $2 uuid: key
-- $3 text: who revokes
SELECT EXISTS (SELECT FROM keys k WHERE k.workspace_id = $1::uuid AND k.id = $2::uuid),
       key_revoke_now($1::uuid, $2::uuid, $3);

-- name: owner
-- $1 uuid: workspace
-- $2 uuid: owner
-- $3 text: who revokes
SELECT EXISTS (SELECT FROM owners o WHERE o.workspace_id = $1::uuid AND o.id = $2::uuid),
       owner_revoke_now($1::uuid, $2::uuid, $3);
