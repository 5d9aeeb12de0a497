-- Changes of workspaces as they come into the archive, for those who watch (sql/ask/changes.h). Row-level security has been told
-- the workspaces before.

-- name: heads
-- The newest change that the archive has of each workspace.
-- $1 uuid[]: workspaces
SELECT f.n, coalesce(t.seq, 0)
FROM unnest($1::uuid[]) WITH ORDINALITY AS f (workspace, n)
LEFT JOIN audit_tree t ON t.workspace_id = f.workspace AND t.tree = 1;

-- name: news
-- What follows on each place, of 16 places at most, whichever come first: a few changes, and not more than so many bytes of each.
-- Where there is nothing new, only the tree's head is looked at.
-- $1 uuid[]: workspaces
-- $2 bigint[]: the seq behind which each goes on
SELECT p.n, p.seq, p.bytes
FROM (
    SELECT f.n, l.seq, l.bytes,
           sum(octet_length(l.bytes)) OVER (PARTITION BY f.n ORDER BY l.seq) - octet_length(l.bytes) AS before
    FROM (
        SELECT x.workspace, x.seq, x.n
        FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS x (workspace, seq, n)
        JOIN audit_tree t ON t.workspace_id = x.workspace AND t.tree = 1 AND t.seq > x.seq
        ORDER BY random() LIMIT 16
    ) f
    CROSS JOIN LATERAL (
        SELECT z.seq, z.bytes FROM audit_leaf z
        WHERE z.workspace_id = f.workspace AND z.tree = 1 AND z.seq > f.seq
        ORDER BY z.seq LIMIT 200
    ) l
) p
WHERE p.before < 262144
ORDER BY p.n, p.seq;

-- name: unwelcome
-- Those whose credential is dead, or whose session is over.
-- $1 uuid[]: workspaces
-- $2 uuid[]: owners
-- $3 uuid[]: sessions; the nil UUID: none
SELECT f.n
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS f (workspace, owner, pass, n)
WHERE NOT EXISTS (SELECT FROM owners o WHERE o.workspace_id = f.workspace AND o.id = f.owner AND o.revoked IS NULL
                  AND (o.expires > clock_timestamp()) IS NOT FALSE)
   OR (f.pass <> '00000000-0000-0000-0000-000000000000'
       AND NOT EXISTS (SELECT FROM passes p WHERE p.workspace_id = f.workspace AND p.id = f.pass AND p.ended IS NULL
                       AND least(p.expires, p.seen + p.idle) > clock_timestamp()));
