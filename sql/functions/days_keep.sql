-- Keeps a table that is partitioned by the time in a txn (UUIDv7), column v_txn: makes the partitions of the next days, and drops
-- those whose times are all before v_before. So forgetting is DROP, whatever there was. Gives how much is gone: tables, and rows of
-- the partition for what no other takes (<table>_rest), where v_at says when they were written.
--
-- A partition is a day; where more than 30 would be kept, as many days as keep it at 30. A txn with an odd time (a clock that
-- is days ahead, a time long past) stands in <table>_rest, and is unique there as anywhere. When the partition of its time is
-- made, it moves there; where there are too many of them, that partition is not made.
--
-- For command_prune, bulk_prune and idempotency_prune, whose rights and settings it has. Nobody waits for it longer than their
-- lock_timeout: what cannot be done now, because somebody reads the table, is done the next time.
CREATE OR REPLACE FUNCTION days_keep(v_table text, v_txn text, v_at text, v_before timestamptz, v_limit int, v_now timestamptz DEFAULT now())
RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_rest text := v_table || '_rest';
    v_width interval := make_interval(days => greatest(ceil(extract(epoch FROM v_now - v_before) / (30 * 86400)), 1)::int);
    v_from timestamptz;
    v_to timestamptz;
    v_name text;
    v_range text;
    v_gone bigint := 0;
    v_rows bigint;
    p record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7004, hashtext(v_table)) THEN
        RETURN 0; -- another does it
    END IF;
    v_from := date_trunc('day', v_now);
    WHILE v_from < v_now + interval '3 days' LOOP
        SELECT max(txn_time(b.upper)) INTO v_to FROM partition_bounds(v_table) b
        WHERE (b.lower > txn_floor(v_from)) IS NOT TRUE AND b.upper > txn_floor(v_from);
        IF v_to IS NOT NULL THEN -- this day is there
            v_from := v_to;
            CONTINUE;
        END IF;
        SELECT least(v_from + v_width, min(txn_time(b.lower))) INTO v_to FROM partition_bounds(v_table) b WHERE b.lower > txn_floor(v_from);
        v_name := v_table || to_char(v_from, '_YYYYMMDD');
        v_range := format('%I >= %L AND %I < %L', v_txn, txn_floor(v_from), v_txn, txn_floor(v_to));
        BEGIN -- not with PARTITION OF, which would lock out those who write
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', v_rest);
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE %s LIMIT 10001) r', v_rest, v_range) INTO v_rows;
            IF v_rows <= 10000 THEN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', v_name, v_table);
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_name);
                EXECUTE format('CREATE POLICY keeper ON %I TO usher_owner USING (true) WITH CHECK (true)', v_name);
                EXECUTE format('WITH r AS (DELETE FROM %I WHERE %s RETURNING *) INSERT INTO %I SELECT * FROM r', v_rest, v_range, v_name);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                               v_table, v_name, txn_floor(v_from), txn_floor(v_to));
            END IF;
        EXCEPTION WHEN lock_not_available THEN
            EXIT; -- the next time; the days are made long before they come
        END;
        v_from := v_to;
    END LOOP;
    FOR p IN SELECT b.name FROM partition_bounds(v_table) b WHERE txn_time(b.upper) <= v_before LOOP
        BEGIN
            EXECUTE format('DROP TABLE %I', p.name);
            v_gone := v_gone + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    EXECUTE format('DELETE FROM %I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %I WHERE %I < %L LIMIT %s))', v_rest, v_rest, v_at, v_before, v_limit);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_gone + v_rows;
END $$;

ALTER FUNCTION days_keep OWNER TO usher_owner;
REVOKE ALL ON FUNCTION days_keep FROM PUBLIC, usher_ingest, usher_worker;
