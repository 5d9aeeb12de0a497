-- Outcomes of several commands of one workspace, in the order of v_txns, and the events of those that are asked for later (a Bulk's
-- operations, an asynchronous request); versions before have it among all their records.
CREATE OR REPLACE FUNCTION command_outcomes(v_workspace uuid, v_txns uuid[])
RETURNS TABLE (n int, known boolean, outcome text, records text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = usher, pg_temp AS $$
    SELECT a.n::int, c.txn IS NOT NULL, c.outcome::text, coalesce(c.event, c.records)
    FROM unnest(v_txns) WITH ORDINALITY AS a (txn, n)
    LEFT JOIN LATERAL (SELECT * FROM command_log x WHERE x.workspace_id = v_workspace AND x.txn = a.txn OFFSET 0) c ON true
    ORDER BY a.n
$$;

ALTER FUNCTION command_outcomes OWNER TO usher_gate;
REVOKE ALL ON FUNCTION command_outcomes FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION command_outcomes TO usher_ingest;
