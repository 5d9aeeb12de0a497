-- Frees the endpoints that somebody holds.
CREATE OR REPLACE FUNCTION delivery_free(v_holder text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    WITH freed AS (
        UPDATE delivery_progress SET holder = NULL, held_until = '-infinity' WHERE holder = v_holder RETURNING 1
    )
    SELECT count(*) FROM freed
$$;

ALTER FUNCTION delivery_free OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_free FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_free TO usher_worker;
