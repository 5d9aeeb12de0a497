-- The moment so many microseconds after 1970; NULL for 0. In float8, which to_timestamp takes: a quotient of numeric would be the same
-- number, and cost much more. The planner puts it in the place of the call, as micros.
CREATE OR REPLACE FUNCTION from_micros(v_micros bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN v_micros > 0 THEN to_timestamp(v_micros / 1000000.0::float8) END;

ALTER FUNCTION from_micros OWNER TO usher_owner;
