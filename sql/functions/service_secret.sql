-- A secret of the service's own (the table secrets). Serving roles reach it by this function alone.
CREATE OR REPLACE FUNCTION service_secret(v_name text) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT s.value FROM secrets s WHERE s.name = v_name
$$;

ALTER FUNCTION service_secret OWNER TO usher_gate;
REVOKE ALL ON FUNCTION service_secret FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION service_secret TO usher_ingest, usher_worker;
