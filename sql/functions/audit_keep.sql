-- What the archive may forget, a slice of it: days that are older than any workspace wants to keep (by DROP), records of workspaces that
-- want less, minutes after two days, hours after 90, and days, sources and records without a day's table with the records. Hashes stay.
-- Of signed heads the last of each hour stays after two days, and the last of each day after 90: a head of a tree proves what those before
-- it did. Records of the nil workspace, and of workspaces that are gone, are kept as long as the longest.
-- Makes the table of the next two days. Gives how many tables and rows went, with heads that were looked at; where that is v_limit or
-- more, there may be more.
CREATE OR REPLACE FUNCTION audit_keep(v_limit int, v_today date DEFAULT current_date) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp SET timezone = 'UTC' SET lock_timeout = '200ms' AS $$
DECLARE
    v_longest int;
    v_gone bigint := 0;
    v_rows bigint;
    v_table text;
    v_column text;
    v_step int;
    v_days int;
    w record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7005, 1) THEN
        RETURN 0; -- another does it
    END IF;
    PERFORM audit_day(v_today + n) FROM generate_series(0, 2) AS n;
    SELECT coalesce(max(audit_days), 365) INTO v_longest FROM workspaces;
    FOR v_table IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_leaf'::regclass AND c.relname ~ '^audit_leaf_[0-9]{8}$'
          AND c.relname < 'audit_leaf_' || to_char(v_today - v_longest, 'YYYYMMDD')
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %I', v_table);
            v_gone := v_gone + 1;
        EXCEPTION WHEN lock_not_available THEN
            NULL; -- somebody reads: the next time
        END;
    END LOOP;
    DELETE FROM audit_leaf_rest WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM audit_leaf_rest r WHERE r.at < v_today - v_longest LIMIT v_limit));
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_gone := v_gone + v_rows;
    FOR w IN SELECT workspace_id, audit_days FROM workspaces WHERE audit_days < v_longest LOOP
        EXIT WHEN v_gone >= v_limit;
        DELETE FROM audit_leaf l USING (
            SELECT o.tree, o.n, o.at FROM audit_leaf o
            WHERE o.workspace_id = w.workspace_id AND o.at < v_today - w.audit_days ORDER BY o.at LIMIT v_limit - v_gone) old
        WHERE l.workspace_id = w.workspace_id AND l.tree = old.tree AND l.n = old.n AND l.at = old.at;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_gone := v_gone + v_rows;
    END LOOP;
    FOR v_step, v_column, v_days IN SELECT * FROM (VALUES (0, 'hour', 2), (1, 'day', 90)) AS x (step, span, days) LOOP
        WITH old AS ( -- each is looked at once in its step: it goes, or is kept until the next one
            SELECT c.ctid, c.workspace_id, c.tree, c.origin, c.size, c.at FROM audit_checkpoint c
            WHERE c.step = v_step AND c.at < date_trunc(v_column, v_today::timestamptz) - v_days * interval '1 day'
            ORDER BY c.at LIMIT v_limit
        ), judged AS (
            SELECT o.ctid, EXISTS (SELECT FROM (
                SELECT x.at FROM audit_checkpoint x WHERE x.workspace_id = o.workspace_id AND x.tree = o.tree AND x.origin = o.origin
                AND x.size > o.size ORDER BY x.size LIMIT 1) next
                WHERE date_trunc(v_column, next.at) = date_trunc(v_column, o.at)) AS superseded
            FROM old o
        ), kept AS (
            UPDATE audit_checkpoint c SET step = v_step + 1 FROM judged j WHERE c.ctid = j.ctid AND NOT j.superseded
        ), gone AS (
            DELETE FROM audit_checkpoint c USING judged j WHERE c.ctid = j.ctid AND j.superseded
        )
        SELECT count(*) INTO v_rows FROM judged;
        v_gone := v_gone + v_rows;
    END LOOP;
    FOR v_table, v_column, v_longest IN
        SELECT * FROM (VALUES ('activity_minute', 'at', 2), ('activity_hour', 'at', 90), ('activity_day', 'at', v_longest),
                              ('activity_source', 'last_use', v_longest)) AS x (name, age, days)
    LOOP
        EXECUTE format('DELETE FROM %1$I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %1$I WHERE %2$I < %3$L LIMIT %4$s))',
                       v_table, v_column, v_today - v_longest, v_limit);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_gone := v_gone + v_rows;
    END LOOP;
    RETURN v_gone;
END $$;

ALTER FUNCTION audit_keep OWNER TO usher_owner;
REVOKE ALL ON FUNCTION audit_keep FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION audit_keep TO usher_worker;
