-- Public keys of those who sign events.

-- name: register
-- $1 text: kid
-- $2 text: the key as a JSON Web Key
SELECT signing_key_register($1, $2);

-- name: all
-- The oldest first.
SELECT jwk FROM signing_key_set();
