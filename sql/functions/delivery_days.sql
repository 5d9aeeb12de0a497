-- Makes the tables of the delivery log's next days, and drops those that are older than v_keep days; gives the number of the dropped.
CREATE OR REPLACE FUNCTION delivery_days(v_keep int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
DECLARE
    v_table text;
    v_day date;
    v_gone int := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7006, 1) THEN
        RETURN 0; -- another does it
    END IF;
    FOR v_day IN SELECT current_date + n FROM generate_series(0, 2) AS n LOOP
        v_table := 'delivery_log_' || to_char(v_day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(v_table) IS NOT NULL;
        BEGIN -- not with PARTITION OF, which would lock out those who write
            EXECUTE format('CREATE TABLE %I (LIKE delivery_log INCLUDING ALL)', v_table);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
            EXECUTE format('CREATE POLICY keeper ON %I TO usher_owner USING (true) WITH CHECK (true)', v_table);
            EXECUTE format('ALTER TABLE delivery_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', v_table, v_day, v_day + 1);
        EXCEPTION WHEN lock_not_available OR check_violation THEN
            NULL; -- rows of that day stand in delivery_log_rest already, or somebody reads there
        END;
    END LOOP;
    FOR v_table IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'delivery_log'::regclass AND c.relname ~ '^delivery_log_[0-9]{8}$'
          AND c.relname < 'delivery_log_' || to_char(current_date - v_keep, 'YYYYMMDD')
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %I', v_table);
            v_gone := v_gone + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL; -- somebody reads: the next time
        END;
    END LOOP;
    DELETE FROM delivery_log_rest WHERE taken < current_date - v_keep;
    RETURN v_gone;
END $$;

ALTER FUNCTION delivery_days OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_days FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_days TO usher_worker;
