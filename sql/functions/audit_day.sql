-- Makes the table of a day of audit_leaf. What is years away, past or to come, has none: it stands in audit_leaf_rest, where a clock that
-- is wrong does no harm. True: it is there.
CREATE OR REPLACE FUNCTION audit_day(v_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    v_table text := 'audit_leaf_' || to_char(v_day, 'YYYYMMDD');
BEGIN
    IF v_day > current_date + 3 OR v_day < current_date - 1100 THEN
        RETURN false;
    END IF;
    IF to_regclass(v_table) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(7005, 0); -- several may want it at once
    IF to_regclass(v_table) IS NOT NULL THEN
        RETURN true;
    END IF;
    BEGIN -- not with PARTITION OF, which would lock out those who write
        -- Rows are only added. With the usual settings each tenth of growth is an analysis of 30,000 wide rows, and each fifth a vacuum.
        EXECUTE format('CREATE TABLE %I (LIKE audit_leaf INCLUDING ALL) WITH (autovacuum_analyze_scale_factor = 1, '
                       'autovacuum_analyze_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 1, '
                       'autovacuum_vacuum_insert_threshold = 20000)', v_table);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
        EXECUTE format('CREATE POLICY keeper ON %I TO usher_owner USING (true) WITH CHECK (true)', v_table);
        EXECUTE format('ALTER TABLE audit_leaf ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', v_table, v_day, v_day + 1);
    EXCEPTION WHEN lock_not_available OR check_violation THEN
        RETURN false; -- rows of that day stand in audit_leaf_rest already, or somebody reads there
    END;
    RETURN true;
END $$;

ALTER FUNCTION audit_day OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_day FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_day TO usher_worker;
