-- Does a list of types (JSON; null: all) name this one? A name that ends with '*' stands for all that begin so. What is said to one stream
-- alone is in no null, and signed heads of the audit go only to those who name them in full: they come all the time.
CREATE OR REPLACE FUNCTION delivery_wants(v_events json, v_type text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = usher, pg_temp AS $$
    SELECT CASE WHEN v_events IS NULL OR json_typeof(v_events) <> 'array'
                THEN v_type <> 'usher.audit.checkpoint' AND NOT starts_with(v_type, 'https://schemas.openid.net/secevent/ssf/') ELSE EXISTS (
        SELECT FROM json_array_elements_text(v_events) AS e (name)
        WHERE e.name = v_type
           OR (v_type <> 'usher.audit.checkpoint' AND right(e.name, 1) = '*' AND starts_with(v_type, left(e.name, -1)))) END
$$;

ALTER FUNCTION delivery_wants OWNER TO usher_owner;
