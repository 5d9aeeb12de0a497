-- The least txn (UUIDv7) of a moment.
CREATE OR REPLACE FUNCTION txn_floor(v_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN rpad(lpad(to_hex((extract(epoch FROM v_at) * 1000)::bigint), 12, '0'), 32, '0')::uuid;

ALTER FUNCTION txn_floor OWNER TO usher_owner;
