-- The next messages of endpoints: of each those behind its cursor, v_most at most and about v_bytes, and the one that was asked for (0: none).
-- The value only of those that it wants: the others are passed over.
CREATE OR REPLACE FUNCTION delivery_messages(v_workspaces uuid[], v_ids uuid[], v_cursors bigint[], v_asked bigint[], v_most int, v_bytes int)
RETURNS TABLE (id uuid, number bigint, is_asked boolean, at bigint, type text, event text, value text, about text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.i, m.number, m.is_asked, micros(m.at), m.type, m.event, CASE WHEN m.wanted THEN m.value END, m.about
    FROM unnest(v_workspaces, v_ids, v_cursors, v_asked) AS a (w, i, cursor, asked)
    JOIN deliveries d ON d.workspace_id = a.w AND d.id = a.i
    CROSS JOIN LATERAL (
        (SELECT l.number, true AS is_asked, l.at, l.type, l.event, l.value, l.about, true AS wanted
         FROM delivery_log l WHERE l.workspace_id = a.w AND l.number = a.asked)
        UNION ALL
        (SELECT n.number, false, n.at, n.type, n.event, n.value, n.about, n.wanted FROM (
             SELECT l.*, sum(CASE WHEN l.wanted THEN length(l.value) ELSE 0 END) OVER (ORDER BY l.number) - length(l.value) AS before
             FROM (SELECT k.*, delivery_wants(d.doc->'events', k.type) AS wanted FROM delivery_log k
                   WHERE k.workspace_id = a.w AND k.number > a.cursor ORDER BY k.number LIMIT v_most) l
         ) n WHERE n.before <= v_bytes)
    ) m
    ORDER BY a.i, m.number;
END $$;

ALTER FUNCTION delivery_messages OWNER TO usher_owner;
REVOKE ALL ON FUNCTION delivery_messages FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION delivery_messages TO usher_ingest, usher_worker;
