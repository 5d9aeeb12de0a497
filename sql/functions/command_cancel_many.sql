-- command_cancel for many commands at once. The workspaces are locked in the order of their ids, as workers lock them.
CREATE OR REPLACE FUNCTION command_cancel_many(v_workspaces uuid[], v_txns uuid[])
RETURNS TABLE (n int, won boolean, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = usher, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM 1 FROM (SELECT DISTINCT u.w FROM unnest(v_workspaces) AS u (w) ORDER BY u.w) AS a
    CROSS JOIN LATERAL (SELECT 1 FROM workspaces w WHERE w.workspace_id = a.w ORDER BY w.generation DESC LIMIT 1 FOR NO KEY UPDATE) AS w;
    INSERT INTO command_log (workspace_id, txn, type)
    SELECT a.workspace, a.txn, 'cancelled' FROM unnest(v_workspaces, v_txns) AS a (workspace, txn) ORDER BY a.workspace, a.txn
    ON CONFLICT DO NOTHING;
    RETURN QUERY
    SELECT a.n::int, c.outcome IS NULL, c.outcome::text
    FROM unnest(v_workspaces, v_txns) WITH ORDINALITY AS a (workspace, txn, n)
    CROSS JOIN LATERAL (SELECT * FROM command_log x WHERE x.workspace_id = a.workspace AND x.txn = a.txn OFFSET 0) c;
END $$;

ALTER FUNCTION command_cancel_many OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_cancel_many FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_cancel_many TO usher_ingest;
