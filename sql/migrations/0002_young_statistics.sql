-- Statistics for tables that grow fast. PostgreSQL looks for such only once a minute, and until then takes a young table for empty: all its indexes seem
-- alike then, and a look-up by id may walk all names of a workspace. Workers call this every few seconds; it does something when a table has doubled.
CREATE FUNCTION statistics_refresh() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
DECLARE
    t text;
    v_done int := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7003, 0) THEN -- another worker is at it
        RETURN 0;
    END IF;
    FOR t IN
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'usher'::regnamespace AND c.relkind = 'r'
          AND c.relname IN ('users', 'rooms', 'members', 'command_log')
          AND pg_stat_get_mod_since_analyze(c.oid) > 100 + greatest(c.reltuples, 0)
    LOOP
        EXECUTE format('ANALYZE %I', t);
        v_done := v_done + 1;
    END LOOP;
    RETURN v_done;
END $$;
ALTER FUNCTION statistics_refresh() OWNER TO usher_owner;
REVOKE ALL ON FUNCTION statistics_refresh() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION statistics_refresh() TO usher_worker;
