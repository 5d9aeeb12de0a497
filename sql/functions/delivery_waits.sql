-- Since when the first message behind a cursor is in the log, microseconds since 1970; NULL: there is none.
CREATE OR REPLACE FUNCTION delivery_waits(v_workspace uuid, v_cursor bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
BEGIN
    RETURN (SELECT micros(l.taken) FROM delivery_log l WHERE l.workspace_id = v_workspace AND l.number > v_cursor ORDER BY l.number LIMIT 1);
END $$;

ALTER FUNCTION delivery_waits OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_waits FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_waits TO usher_ingest, usher_worker;
