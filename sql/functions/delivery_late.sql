-- Endpoints whose next message is older than half of the v_keep days that messages are kept, the latest first, v_most at most; and in each row
-- how many there are in all. Not those that are disabled: that was told, and of streams nothing waits then.
CREATE OR REPLACE FUNCTION delivery_late(v_keep int, v_most int)
RETURNS TABLE (workspace_id uuid, id uuid, since bigint, total bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT x.workspace_id, x.id, x.since, count(*) OVER () FROM (
        SELECT p.workspace_id, p.id, delivery_waits(p.workspace_id, p.cursor) AS since
        FROM delivery_progress p
        JOIN deliveries d ON d.workspace_id = p.workspace_id AND d.id = p.id
        JOIN delivery_heads h ON h.workspace_id = p.workspace_id
        WHERE p.cursor < h.newest AND d.doc->>'state' <> 'disabled'
    ) x
    WHERE x.since < micros(now() - make_interval(days => v_keep) / 2)
    ORDER BY x.since LIMIT v_most;
END $$;

ALTER FUNCTION delivery_late OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_late FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_late TO usher_worker;
