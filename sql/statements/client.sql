-- OAuth clients that authenticate with a private key (sql/ask/client.c).

-- name: find
-- $1 uuid: the key that the client names
SELECT c.workspace_id, c.workspace_name, encode(c.token_hash, 'hex'), c.jwks, c.jwks_uri
FROM client_find($1::uuid) c;

-- name: claim
-- $1 uuid: workspace
-- $2 uuid: key
-- $3 text: SHA-256 of the assertion's jti, in hex
-- $4 uuid: txn of the request
SELECT assertion_claim($1::uuid, $2::uuid, decode($3::text, 'hex'), $4::uuid);

-- name: prune
SELECT assertion_prune(5000);
