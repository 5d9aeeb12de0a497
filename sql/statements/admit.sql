-- name: batch
-- The gate's verdict on each token (functions/gate_admit.sql).
-- $1 bytea[]: hashes of the tokens, each once
-- $2 integer[]: rate units wanted for each
-- $3 boolean[]: for each: all units or none
SELECT n, workspace_id, workspace_name, key_id, key_name, scopes, dialect, state,
       granted, rate_limit, retry_after, seats_used, seats_limit, require_email,
       kind, role, networks, expires, remaining, reset, require_sso, sso_ready, strictness
FROM gate_admit($1::bytea[], $2::int[], $3::boolean[]);
