-- What a key in dry-run mode has tried (sql/ask/dry_run.c), from the archive, along its index by key and time. Row-level security has
-- been told the workspace before.

-- part: tried
-- $1 uuid: workspace
-- $2 uuid: key
-- $3 bigint: since when
SELECT l.bytes FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.actor_id = $2::uuid AND l.at >= from_micros($3::bigint)
  AND l.tree = 1 AND l.action = 'command.tried'
ORDER BY l.at DESC LIMIT 50000

-- part: asked
-- parameters as tried
SELECT l.at, l.method, l.path, l.status, l.error, l.detail FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.actor_id = $2::uuid AND l.at >= from_micros($3::bigint)
  AND l.tree = 2 AND l.method IN ('POST', 'PUT', 'PATCH', 'DELETE') AND l.path NOT LIKE '%/Bulk' AND l.path NOT LIKE '%/.search'
ORDER BY l.at DESC LIMIT 50000

-- name: counts
-- How often each action would have been, and in how many records that stands.
-- parameters as tried
SELECT c.path, sum(CASE WHEN c.path <> 'error' THEN (c."to" #>> '{}')::bigint ELSE 1 END)
FROM ({tried}) t, json_to_recordset(convert_from(t.bytes, 'UTF8')::json -> 'changes') AS c (path text, "to" json)
GROUP BY c.path ORDER BY c.path;

-- name: totals
-- Requests that would change something, those that were refused, the first and the last of them, and the seats as they are.
-- parameters as tried
SELECT count(*), count(*) FILTER (WHERE x.status >= 400), micros(min(x.at)), micros(max(x.at)),
       (SELECT w.seats_used FROM workspaces w WHERE w.workspace_id = $1::uuid ORDER BY w.generation DESC LIMIT 1),
       (SELECT w.seats_limit FROM workspaces w WHERE w.workspace_id = $1::uuid ORDER BY w.generation DESC LIMIT 1)
FROM ({asked}) x;

-- name: refusals
-- What was refused, by what was said; the most frequent first.
-- parameters as tried
SELECT x.status, x.error, x.detail, count(*), micros(max(x.at)), max(x.method || ' ' || x.path)
FROM ({asked}) x WHERE x.status >= 400
GROUP BY x.status, x.error, x.detail ORDER BY count(*) DESC, max(x.at) DESC LIMIT 50;
