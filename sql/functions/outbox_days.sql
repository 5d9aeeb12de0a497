-- Makes the outbox's tables of the next days, and drops those of days before whose rows are all emitted; gives the number of the
-- dropped. Nobody waits for it longer than its lock_timeout: what does not go now goes the next time.
CREATE OR REPLACE FUNCTION outbox_days() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
DECLARE
    v_table text;
    v_day date;
    v_gone int := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7003, -1) THEN
        RETURN 0; -- another does it
    END IF;
    FOR v_day IN SELECT current_date + n FROM generate_series(0, 2) AS n LOOP
        v_table := 'outbox_' || to_char(v_day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(v_table) IS NOT NULL;
        BEGIN -- not with PARTITION OF, which would lock out those who write
            EXECUTE format('CREATE TABLE %I (LIKE outbox INCLUDING ALL)', v_table);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
            EXECUTE format('CREATE POLICY worker ON %I TO usher_worker, usher_owner USING (true) WITH CHECK (true)', v_table);
            EXECUTE format('ALTER TABLE outbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', v_table, v_day, v_day + 1);
        EXCEPTION WHEN lock_not_available OR check_violation THEN
            NULL; -- rows of that day stand in outbox_rest already
        END;
    END LOOP;
    FOR v_table IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'outbox'::regclass AND c.relname ~ '^outbox_[0-9]{8}$'
          AND c.relname < 'outbox_' || to_char(current_date, 'YYYYMMDD')
    LOOP
        v_day := to_date(right(v_table, 8), 'YYYYMMDD');
        CONTINUE WHEN EXISTS (
            SELECT FROM partitions p LEFT JOIN marks m USING (partition)
            WHERE (SELECT max(o.number) FROM outbox o WHERE o.partition = p.partition AND o.at >= v_day AND o.at < v_day + 1)
                  > coalesce(m.mark, 0));
        BEGIN
            EXECUTE format('DROP TABLE %I', v_table);
            v_gone := v_gone + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    DELETE FROM outbox_rest r USING marks m WHERE r.partition = m.partition AND r.number <= m.mark AND r.at < current_date;
    RETURN v_gone;
END $$;

ALTER FUNCTION outbox_days OWNER TO usher_owner;
REVOKE ALL ON FUNCTION outbox_days FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION outbox_days TO usher_worker;
