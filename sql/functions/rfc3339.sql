-- A moment as RFC 3339 writes it. The planner puts it in the place of the call, as micros.
CREATE OR REPLACE FUNCTION rfc3339(v_at timestamptz) RETURNS text
LANGUAGE sql STABLE
RETURN to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

ALTER FUNCTION rfc3339 OWNER TO usher_owner;
