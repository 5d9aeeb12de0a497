-- How many hashes of a tree stand before those of leaf n: two for each leaf, less one for each subtree that is not complete yet
-- (migrations/0026_audit_hashes.sql). The planner puts it in the place of the call.
CREATE OR REPLACE FUNCTION audit_hashes_before(n bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN 2 * n - bit_count(n::bit(64));

ALTER FUNCTION audit_hashes_before OWNER TO usher_owner;
