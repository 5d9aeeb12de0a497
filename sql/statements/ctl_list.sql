-- What usherctl lists of one workspace. Times are texts of RFC 3339.

-- name: keys
-- The old token is shown only as long as it is good.
-- $1 uuid: workspace
SELECT k.id, k.name, k.prefix, to_json(k.scopes)::text, k.dialect, to_json(k.networks)::text, k.rate_limit,
       rfc3339(k.created), k.created_by, rfc3339(k.expires),
       CASE WHEN k.old_token_hash IS NOT NULL AND k.old_until > now() THEN rfc3339(k.old_until) END,
       rfc3339(k.revoked), k.revoked_by, rfc3339(r.last_used), k.jwks::text, k.jwks_uri, rfc3339(k.dry_since)
FROM keys k
LEFT JOIN LATERAL (
    SELECT t.last_used FROM key_rates t WHERE t.workspace_id = k.workspace_id AND t.key_id = k.id
    ORDER BY t.generation DESC LIMIT 1
) r ON true
WHERE k.workspace_id = $1::uuid
ORDER BY k.created, k.id;

-- name: owners
-- $1 uuid: workspace
SELECT o.id, o.name, o.role, o.prefix, rfc3339(o.created), o.created_by, rfc3339(o.expires),
       rfc3339(o.revoked), o.revoked_by, rfc3339(r.last_used)
FROM owners o
LEFT JOIN LATERAL (
    SELECT t.last_used FROM key_rates t WHERE t.workspace_id = o.workspace_id AND t.key_id = o.id
    ORDER BY t.generation DESC LIMIT 1
) r ON true
WHERE o.workspace_id = $1::uuid
ORDER BY o.created, o.id;

-- name: guards
-- What has left the window is not shown. Buckets are a sixteenth of it each, numbered since 1970.
-- $1 uuid: workspace
SELECT g.key_id, k.name, g.kind,
       (SELECT coalesce(sum(g.slots[b % 16 + 1]), 0)
        FROM generate_series(greatest(g.head - 15, x.now - 15), g.head) AS b),
       g.base, rfc3339(g.tripped)
FROM guard_windows g
CROSS JOIN (SELECT * FROM workspaces z WHERE z.workspace_id = $1::uuid ORDER BY z.generation DESC LIMIT 1) w
LEFT JOIN keys k ON k.workspace_id = g.workspace_id AND k.id = g.key_id
CROSS JOIN LATERAL (SELECT micros(now()) / (w.guard_window * 1000000::bigint / 16) AS now) x
WHERE g.workspace_id = $1::uuid
ORDER BY g.key_id, g.kind;

-- name: deliveries
-- $1 uuid: workspace
-- $2 uuid: one endpoint alone; NULL: all
SELECT d.id, d.doc->>'name', d.doc->>'url', d.doc->>'events', d.doc->>'signature', d.doc->>'prefix', d.doc->>'publicKey',
       CASE WHEN (d.doc->>'oldSecretUntil')::bigint > micros(now()) THEN rfc3339(from_micros((d.doc->>'oldSecretUntil')::bigint)) END,
       d.doc->>'state', d.doc->>'reason', rfc3339(from_micros((d.doc->>'created')::bigint)), d.doc->>'createdBy', p.cursor,
       h.newest, p.failures, rfc3339(p.failing_since), CASE WHEN p.failures > 0 THEN rfc3339(p.next_try) END, rfc3339(p.succeeded), p.lost,
       d.doc->'stream'->>'receiver', CASE WHEN p.cursor < h.newest THEN rfc3339(from_micros(delivery_waits(d.workspace_id, p.cursor))) END
FROM deliveries d
JOIN delivery_progress p ON p.workspace_id = d.workspace_id AND p.id = d.id
JOIN delivery_heads h ON h.workspace_id = d.workspace_id
WHERE d.workspace_id = $1::uuid AND ($2::uuid IS NULL OR d.id = $2::uuid)
ORDER BY d.id;

-- name: delivery_attempts
-- $1 uuid: workspace
-- $2 uuid: endpoint
SELECT a.n, rfc3339(a.at), a.number, a.event, a.type, a.status, a.error, a.answer, a.duration_us, rfc3339(a.next_try)
FROM delivery_attempts a WHERE a.workspace_id = $1::uuid AND a.id = $2::uuid
ORDER BY a.n DESC LIMIT 100;

-- name: delivery_named
-- An endpoint by its id or its name.
-- $1 text: id or name
-- $2 uuid: workspace; NULL: any
SELECT d.workspace_id, d.id, d.doc->>'name', d.doc->>'signature' FROM deliveries d
WHERE (d.id::text = lower($1) OR d.doc->>'name' = $1) AND ($2::uuid IS NULL OR d.workspace_id = $2::uuid)
LIMIT 2;

-- name: sign_in
-- How people sign in to the portal by a provider.
-- $1 uuid: workspace
SELECT doc::text FROM sign_in WHERE workspace_id = $1::uuid;
