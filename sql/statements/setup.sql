-- What has arrived through one key (sql/ask/setup.c). Row-level security has been told the workspace before. Only the newest
-- records are looked at, along an index, so that a key that has been in use for a year costs no more than a new one.

-- part: newest
-- $1 uuid: workspace
-- $2 uuid: key
SELECT l.tree, l.at, l.txn, l.action, l.outcome, l.method, l.path, l.status, l.error, l.detail
FROM audit_leaf l
WHERE l.workspace_id = $1::uuid AND l.actor_id = $2::uuid AND l.at > now() - interval '24 hours'
ORDER BY l.at DESC LIMIT 10000

-- name: steps
-- When each step of a set-up was seen last (enum setup_step), how many requests there were, and how many were refused.
-- parameters as newest
SELECT micros(max(x.at) FILTER (WHERE x.tree = 2)),
       micros(max(x.at) FILTER (WHERE x.tree = 2 AND x.status < 300 AND x.method = 'GET')),
       micros(max(x.at) FILTER (WHERE x.tree = 1 AND x.outcome = 'applied' AND x.action IN ('user.created', 'user.linked'))),
       micros(max(x.at) FILTER (WHERE x.tree = 1 AND x.outcome = 'applied' AND x.action = 'user.updated')),
       micros(max(x.at) FILTER (WHERE x.tree = 1 AND x.outcome = 'applied' AND x.action IN ('user.deactivated', 'user.deleted'))),
       micros(max(x.at) FILTER (WHERE x.tree = 1 AND x.outcome = 'applied' AND x.action = 'room.created')),
       micros(max(x.at) FILTER (WHERE x.tree = 1 AND x.outcome = 'applied' AND x.action IN ('member.added', 'member.held'))),
       count(*) FILTER (WHERE x.tree = 2), count(*) FILTER (WHERE x.tree = 2 AND x.status >= 400)
FROM ({newest}) x;

-- name: refusals
-- The newest refused requests.
-- parameters as newest
SELECT micros(x.at), x.txn, x.method, x.path, x.status, x.error, x.detail
FROM ({newest}) x WHERE x.tree = 2 AND x.status >= 400 ORDER BY x.at DESC LIMIT 10;
