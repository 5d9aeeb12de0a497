-- Microseconds since 1970, in which the C code counts time. One expression without settings of its own: the planner puts it
-- in the place of the call.
CREATE OR REPLACE FUNCTION micros(v_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE
RETURN (extract(epoch FROM v_at) * 1000000)::bigint;

ALTER FUNCTION micros OWNER TO usher_owner;
