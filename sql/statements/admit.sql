-- name: batch
-- The gate's verdict on each token (functions/gate_admit.sql).
-- $1 bytea[]: hashes of the tokens, each once
-- $2 integer[]: rate units to be counted for each
-- $3 boolean[]: for each: all units or none
-- $4 integer[]: units that are wanted as a lease; NULL: none for all
-- $5 integer[]: units of the lease that ends with this; NULL: none for all
-- $6 integer[]: of them, those that were not used
-- $7 bigint[]: that lease's bucket
SELECT n, workspace_id, workspace_name, key_id, key_name, scopes, dialect, state,
       granted, rate_limit, retry_after, seats_used, seats_limit, require_email,
       kind, role, networks, expires, remaining, reset, require_sso, sso_ready, strictness, lease, lease_bucket, wait_ms, passwords,
       managed_lock, pass, pass_id, pass_key, pass_guide, dry_run
FROM gate_admit($1::bytea[], $2::int[], $3::boolean[], $4::int[], $5::int[], $6::int[], $7::bigint[]);

-- name: see
-- The same where nothing is to be counted (functions/gate_see.sql).
-- $1 bytea[]: hashes of the tokens, each once
SELECT n, workspace_id, workspace_name, key_id, key_name, scopes, dialect, state,
       granted, rate_limit, retry_after, seats_used, seats_limit, require_email,
       kind, role, networks, expires, remaining, reset, require_sso, sso_ready, strictness, lease, lease_bucket, wait_ms, passwords,
       managed_lock, pass, pass_id, pass_key, pass_guide, dry_run
FROM gate_see($1::bytea[]);

-- name: give_back
-- Leases of rate units have ended (functions/gate_give_back.sql).
-- $1 uuid[]: workspaces
-- $2 uuid[]: credentials
-- $3 integer[]: the leases' units
-- $4 integer[]: of them, those that were not used
-- $5 bigint[]: the leases' buckets
SELECT gate_give_back($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bigint[]);
