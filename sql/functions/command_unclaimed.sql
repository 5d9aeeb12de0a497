-- Which of these commands nobody has claimed: their numbers in the order given. A worker asks that of commands which the log
-- does not hold any more.
CREATE OR REPLACE FUNCTION command_unclaimed(v_workspaces uuid[], v_txns uuid[]) RETURNS TABLE (n int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT a.n::int
    FROM unnest(v_workspaces, v_txns) WITH ORDINALITY AS a (workspace, txn, n)
    LEFT JOIN LATERAL (SELECT c.txn FROM command_log c WHERE c.workspace_id = a.workspace AND c.txn = a.txn OFFSET 0) c ON true
    WHERE c.txn IS NULL
    ORDER BY a.n
$$;

ALTER FUNCTION command_unclaimed OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_unclaimed FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_unclaimed TO usher_worker;
