-- The moment in a txn (UUIDv7).
CREATE OR REPLACE FUNCTION txn_time(v_txn uuid) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
RETURN to_timestamp(('x' || lpad(left(replace(v_txn::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0);

ALTER FUNCTION txn_time OWNER TO usher_owner;
