-- Requests with an Idempotency-Key, and their answers (functions/idempotency_*.sql).

-- name: claim
-- $1 uuid: workspace
-- $2 uuid: the credential's id
-- $3 text: the client's key
-- $4 bytea: fingerprint of the request
-- $5 uuid: the request's txn
-- $6 double precision: seconds after which nobody is doing it any more
SELECT verdict, txn, status, headers, content
FROM idempotency_claim($1::uuid, $2::uuid, $3, $4::bytea, $5::uuid, $6::float8);

-- name: store
-- status NULL: this answer is kept now. Else the answer that was kept before, which is the one to be given.
-- $1 uuid: workspace
-- $2 uuid: the credential's id
-- $3 text: the client's key
-- $4 uuid: txn that the claim gave
-- $5 integer: status of the answer; NULL: nothing was done
-- $6 text: its headers, a JSON object
-- $7 text: its body
SELECT status, headers, content
FROM idempotency_store($1::uuid, $2::uuid, $3, $4::uuid, $5::int, $6, $7);

-- name: prune
-- Forgets answers of yesterday, some thousands at a time.
SELECT idempotency_prune(5000);
