-- Is the audit whole? For the table `audit` of audit_duckdb.py, of audit_spark.py and of any database that holds the
-- same columns. No row: nothing is missing and nothing is double, from the first number that the table holds.
-- A request's numbers count in one life of an ingest, over all workspaces: who reads some partitions only sees gaps.
SELECT 'change' AS kind, workspace AS of, epoch, count(*) AS records, count(DISTINCT seq) AS numbers,
       min(seq) AS first, max(seq) AS last
FROM audit
WHERE kind = 'change'
GROUP BY workspace, epoch
HAVING count(*) <> max(seq) - min(seq) + 1 OR count(DISTINCT seq) <> count(*)
UNION ALL
SELECT 'request', instance, NULL, count(*), count(DISTINCT n), min(n), max(n)
FROM audit
WHERE kind = 'request'
GROUP BY instance
HAVING count(*) <> max(n) - min(n) + 1 OR count(DISTINCT n) <> count(*)
ORDER BY 1, 2, 3;
