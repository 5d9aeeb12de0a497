-- For metrics and usherctl doctor: how many seats are taken and how many there may be, in all workspaces that have a limit; how many of those
-- have more than v_share in a hundred of theirs taken; and, a row each, the v_most fullest of them (one row of NULLs where there is none).
-- It reads the row of each workspace once: some milliseconds for 10,000 of them. An index would cost every change of a seat.
CREATE OR REPLACE FUNCTION sight_seats(v_share int, v_most int)
RETURNS TABLE (all_used bigint, all_limit bigint, crowded bigint, workspace_id uuid, name text, used bigint, seats_limit bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp SET enable_seqscan = on AS $$
    WITH limited AS MATERIALIZED (
        SELECT w.workspace_id, w.name, w.seats_used AS used, w.seats_limit FROM workspaces w WHERE w.seats_limit IS NOT NULL
    ), totals AS (
        SELECT coalesce(sum(l.used), 0)::bigint AS all_used, coalesce(sum(l.seats_limit), 0)::bigint AS all_limit,
               count(*) FILTER (WHERE l.used * 100 > l.seats_limit * v_share) AS crowded
        FROM limited l
    ), fullest AS (
        SELECT l.*, l.used / greatest(l.seats_limit, 1)::float8 AS share FROM limited l WHERE l.used > 0
        ORDER BY share DESC, l.seats_limit DESC, l.workspace_id LIMIT v_most
    )
    SELECT t.all_used, t.all_limit, t.crowded, f.workspace_id, f.name, f.used, f.seats_limit
    FROM totals t LEFT JOIN fullest f ON true
    ORDER BY f.share DESC, f.seats_limit DESC, f.workspace_id
$$;

ALTER FUNCTION sight_seats OWNER TO usher_gate;
REVOKE ALL ON FUNCTION sight_seats FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION sight_seats TO usher_worker;
