-- What the Management API shows beside SCIM's resources (sql/ask/query.h). $1 is the workspace in all of them.
--
-- LATERAL with OFFSET 0: rows are found by index, one by one, whatever the statistics say (read.sql).

-- part: one_workspace
-- The row of a workspace is the newest of its generations (migrations/0007_counters.sql).
(SELECT * FROM workspaces z WHERE z.workspace_id = $1::uuid ORDER BY z.generation DESC LIMIT 1)

-- part: newest
-- Of a row with a certain key that changes all the time: the newest generation first, so that nothing behind it is looked
-- at (migrations/0021_newest.sql). There is one row at most.
ORDER BY generation DESC LIMIT 1

-- name: members
-- A room's members, as they were at membership_seq. At least one row.
-- $1 uuid: workspace
-- $2 uuid: room
-- $3 uuid: the user behind whom the page begins; NULL: from the first
-- $4 integer: rows at most
-- $5 boolean: with users who are held
SELECT w.membership_seq, w.epoch, r.id IS NOT NULL, m.user_id, m.user_name, m.display_name, m.transmit, m.since, m.held
FROM {one_workspace} w
LEFT JOIN LATERAL (
    SELECT z.id FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid {newest}
) r ON true
LEFT JOIN LATERAL (
    SELECT p.user_id, u.user_name, u.display_name, p.transmit, micros(p.created) AS since, p.held
    FROM (
        SELECT * FROM members x
        WHERE x.workspace_id = $1::uuid AND x.room_id = $2::uuid AND (NOT x.held OR $5::boolean)
          AND x.user_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
        ORDER BY x.user_id LIMIT $4::int
    ) p
    CROSS JOIN LATERAL (SELECT * FROM users z WHERE z.workspace_id = $1::uuid AND z.id = p.user_id {newest}) u
    ORDER BY p.user_id
) m ON r.id IS NOT NULL
ORDER BY m.user_id;

-- name: rooms
-- A user's rooms. At least one row.
-- $1 uuid: workspace
-- $2 uuid: user
-- $3 uuid: the room behind which the page begins; NULL: from the first
-- $4 integer: rows at most
-- $5 boolean: with rooms in which he is held
SELECT u.id IS NOT NULL, m.room_id, m.name, m.transmit, m.since, m.held
FROM {one_workspace} w
LEFT JOIN LATERAL (
    SELECT z.id FROM users z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid {newest}
) u ON true
LEFT JOIN LATERAL (
    SELECT p.room_id, r.display_name AS name, p.transmit, micros(p.created) AS since, p.held
    FROM (
        SELECT * FROM members x
        WHERE x.workspace_id = $1::uuid AND x.user_id = $2::uuid AND (NOT x.held OR $5::boolean)
          AND x.room_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
        ORDER BY x.room_id LIMIT $4::int
    ) p
    CROSS JOIN LATERAL (SELECT * FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = p.room_id {newest}) r
    ORDER BY p.room_id
) m ON u.id IS NOT NULL
ORDER BY m.room_id;

-- name: member
-- One membership. One row, of which the room, the user and the membership may be missing.
-- $1 uuid: workspace
-- $2 uuid: room
-- $3 uuid: user
SELECT r.id IS NOT NULL, u.id, u.user_name, u.display_name, m.transmit, m.held, m.since
FROM {one_workspace} w
LEFT JOIN LATERAL (
    SELECT z.id FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid {newest}
) r ON true
LEFT JOIN LATERAL (
    SELECT z.id, z.user_name, z.display_name FROM users z
    WHERE z.workspace_id = $1::uuid AND z.id = $3::uuid {newest}
) u ON true
LEFT JOIN LATERAL (
    SELECT z.transmit, z.held, micros(z.created) AS since FROM members z
    WHERE z.workspace_id = $1::uuid AND z.room_id = $2::uuid AND z.user_id = $3::uuid OFFSET 0
) m ON true;

-- name: voice
-- One user in one room, as at membership_seq, for a token of the voice server. One row, of which the room, the user and
-- the membership may be missing.
-- $1 uuid: workspace
-- $2 uuid: room
-- $3 uuid: user; NULL: the name says who
-- $4 text: userName, folded
SELECT w.membership_seq, w.epoch, r.id, u.id, u.user_name, u.display_name, u.active, m.transmit, m.held
FROM {one_workspace} w
LEFT JOIN LATERAL (
    SELECT z.id FROM rooms z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid {newest}
) r ON true
LEFT JOIN LATERAL (
    SELECT n.id FROM users n WHERE $3::uuid IS NULL AND n.workspace_id = $1::uuid AND n.user_name_key = $4
    OFFSET 0
) named ON true
LEFT JOIN LATERAL (
    SELECT z.id, z.user_name, z.display_name, z.active FROM users z
    WHERE z.workspace_id = $1::uuid AND z.id = coalesce($3::uuid, named.id) {newest}
) u ON true
LEFT JOIN LATERAL (
    SELECT z.transmit, z.held FROM members z
    WHERE z.workspace_id = $1::uuid AND z.room_id = r.id AND z.user_id = u.id OFFSET 0
) m ON true;

-- name: manager
-- Does an identity provider manage the user or the room, through which key, and is the user a member of the room? One
-- row.
-- $1 uuid: workspace
-- $2 uuid: user; NULL: none
-- $3 uuid: room; NULL: none
SELECT coalesce(r.theirs, u.theirs, false), k.name, m.user_id IS NOT NULL
FROM (SELECT 1) one
LEFT JOIN LATERAL (
    SELECT z.managed AS theirs, z.managed_by FROM users z WHERE z.workspace_id = $1::uuid AND z.id = $2::uuid OFFSET 0
) u ON true
LEFT JOIN LATERAL (
    SELECT z.managed_by IS NOT NULL AS theirs, z.managed_by FROM rooms z
    WHERE z.workspace_id = $1::uuid AND z.id = $3::uuid OFFSET 0
) r ON true
LEFT JOIN LATERAL (
    SELECT z.name FROM keys z WHERE z.workspace_id = $1::uuid AND z.id = coalesce(r.managed_by, u.managed_by) OFFSET 0
) k ON true
LEFT JOIN LATERAL (
    SELECT z.user_id FROM members z
    WHERE z.workspace_id = $1::uuid AND z.room_id = $3::uuid AND z.user_id = $2::uuid OFFSET 0
) m ON true;

-- name: user_named
-- $1 uuid: workspace
-- $2 text: userName, folded
SELECT u.id FROM users u WHERE u.workspace_id = $1::uuid AND u.user_name_key = $2;

-- name: user_external
-- Two rows tell that it is ambiguous.
-- $1 uuid: workspace
-- $2 text: externalId
SELECT u.id FROM users u WHERE u.workspace_id = $1::uuid AND u.external_id = $2 LIMIT 2;

-- part: workspace
-- Its settings, which the C code puts in from their table, when it was made, and its seats in use.
-- $1 uuid: workspace
SELECT {settings}, micros(w.created), w.seats_used
FROM {one_workspace} w;

-- name: operation
-- $1 uuid: workspace
-- $2 uuid: txn
SELECT txn, type, at_us, outcome
FROM command_find($1::uuid, $2::uuid);

-- name: activity
-- The newest commands first.
-- $1 uuid: workspace
-- $2 uuid: the txn before which the page begins; NULL: from the newest
-- $3 integer: rows at most
SELECT txn, type, at_us, outcome
FROM command_recent($1::uuid, $2::uuid, $3::int);

-- name: keys
-- $1 uuid: workspace
-- $2 uuid: key; NULL: all
-- $3 uuid: the key behind which the page begins; NULL: from the first
-- $4 integer: rows at most
SELECT k.id, k.name, k.prefix, to_json(k.scopes)::text, k.dialect, to_json(k.networks)::text, k.rate_limit,
       micros(k.created), k.created_by, micros(k.expires),
       CASE WHEN k.old_until > now() THEN micros(k.old_until) END,
       micros(k.revoked), k.revoked_by, micros(r.last_used), k.jwks::text, k.jwks_uri, micros(k.dry_since)
FROM keys k
LEFT JOIN LATERAL (
    SELECT t.last_used FROM key_rates t WHERE t.workspace_id = k.workspace_id AND t.key_id = k.id
    ORDER BY t.generation DESC LIMIT 1
) r ON true
WHERE k.workspace_id = $1::uuid
  AND ($2::uuid IS NULL OR k.id = $2::uuid)
  AND ($3::uuid IS NULL OR k.id > $3::uuid)
ORDER BY k.id LIMIT $4::int;

-- name: owners
-- $1 uuid: workspace
-- $2 uuid: owner; NULL: all
-- $3 uuid: the owner behind whom the page begins; NULL: from the first
-- $4 integer: rows at most
SELECT o.id, o.name, o.role, o.prefix, micros(o.created), o.created_by, micros(o.expires),
       micros(o.revoked), o.revoked_by, micros(r.last_used)
FROM owners o
LEFT JOIN LATERAL (
    SELECT t.last_used FROM key_rates t WHERE t.workspace_id = o.workspace_id AND t.key_id = o.id
    ORDER BY t.generation DESC LIMIT 1
) r ON true
WHERE o.workspace_id = $1::uuid
  AND ($2::uuid IS NULL OR o.id = $2::uuid)
  AND ($3::uuid IS NULL OR o.id > $3::uuid)
ORDER BY o.id LIMIT $4::int;

-- part: removals
-- What key k has removed within the guard's window as the window is set now. It is counted in buckets of a sixteenth of
-- it; bucket b stands in slot b mod 16 (workers/apply/mass_guard.c).
SELECT g.base, g.tripped, (
    SELECT coalesce(sum(g.slots[(b % 16)::int + 1]), 0)
    FROM generate_series(greatest(n.bucket - 15, g.head - 15, 0), least(g.head, n.bucket)) b
) AS removed
FROM guard_windows g
CROSS JOIN {one_workspace} w
CROSS JOIN LATERAL (
    SELECT floor(extract(epoch FROM now()) * 1000000 / (w.guard_window * 1000000::bigint / 16))::bigint AS bucket
) n
WHERE g.workspace_id = $1::uuid AND g.key_id = k.id

-- name: guards
-- Keys of which the guard has counted anything.
-- $1 uuid: workspace
-- $2 uuid: the key behind which the page begins; NULL: from the first
-- $3 integer: rows at most
SELECT k.id, k.name, u.removed, u.base, micros(u.tripped), m.removed, m.base, micros(m.tripped)
FROM keys k
LEFT JOIN LATERAL (
    {removals} AND g.kind = 'users'
) u ON true
LEFT JOIN LATERAL (
    {removals} AND g.kind = 'members'
) m ON true
WHERE k.workspace_id = $1::uuid
  AND ($2::uuid IS NULL OR k.id > $2::uuid)
  AND (u.base IS NOT NULL OR m.base IS NOT NULL)
ORDER BY k.id LIMIT $3::int;

-- name: passes
-- Sessions and links that are still good.
-- $1 uuid: workspace
-- $2 uuid: owner; NULL: of all
-- $3 uuid: the pass behind which the page begins; NULL: from the first
-- $4 integer: rows at most
SELECT p.id, p.kind, o.id, o.name, o.role, p.key_id, k.name, p.dialect, p.way, p.source, p.agent, micros(p.made),
       CASE WHEN p.idle IS NOT NULL THEN micros(p.seen) END, micros(least(o.expires, p.expires, p.seen + p.idle))
FROM passes p
CROSS JOIN LATERAL (
    SELECT z.id, z.name, z.role, z.expires FROM owners z
    WHERE z.workspace_id = $1::uuid AND z.id = p.owner_id AND z.revoked IS NULL OFFSET 0
) o
LEFT JOIN LATERAL (
    SELECT z.name, z.revoked FROM keys z WHERE z.workspace_id = $1::uuid AND z.id = p.key_id OFFSET 0
) k ON true
WHERE p.workspace_id = $1::uuid
  AND ($2::uuid IS NULL OR p.owner_id = $2::uuid)
  AND ($3::uuid IS NULL OR p.id > $3::uuid)
  AND p.ended IS NULL AND k.revoked IS NULL
  AND least(o.expires, p.expires, p.seen + p.idle) > clock_timestamp()
ORDER BY p.id LIMIT $4::int;

-- name: deliveries
-- $1 uuid: workspace
-- $2 uuid: one endpoint alone; NULL: all
-- $3 uuid: the endpoint behind which the page begins; NULL: from the first
-- $4 integer: rows at most
SELECT d.id, d.doc->>'name', d.doc->>'url', d.doc->>'events', d.doc->>'signature', d.doc->>'prefix', d.doc->>'publicKey',
       CASE WHEN (d.doc->>'oldSecretUntil')::bigint > micros(now()) THEN d.doc->>'oldSecretUntil' END, d.doc->>'state', d.doc->>'reason',
       d.doc->>'created', d.doc->>'createdBy', p.cursor, h.newest, p.failures, micros(p.failing_since),
       CASE WHEN p.failures > 0 THEN micros(p.next_try) END, micros(p.succeeded), p.lost, d.doc->'stream'->>'receiver',
       CASE WHEN p.cursor < h.newest THEN delivery_waits(d.workspace_id, p.cursor) END
FROM deliveries d
JOIN delivery_progress p ON p.workspace_id = d.workspace_id AND p.id = d.id
JOIN delivery_heads h ON h.workspace_id = d.workspace_id
WHERE d.workspace_id = $1::uuid AND ($2::uuid IS NULL OR d.id = $2::uuid) AND ($3::uuid IS NULL OR d.id > $3::uuid)
ORDER BY d.id LIMIT $4::int;

-- name: streams
-- $1 uuid: workspace
-- $2 text: the key that they belong to
-- $3 uuid: one stream alone; NULL: all
SELECT d.id, d.doc::text FROM deliveries d
WHERE d.workspace_id = $1::uuid AND d.doc->'stream'->>'receiver' = $2::text AND ($3::uuid IS NULL OR d.id = $3::uuid)
ORDER BY d.id LIMIT 1000;

-- name: delivery_attempts
-- The newest first. At least one row, unless there is no such endpoint.
-- $1 uuid: workspace
-- $2 uuid: endpoint
SELECT d.id, a.n, micros(a.at), a.number, a.event, a.type, a.status, a.error, a.answer, a.duration_us, micros(a.next_try)
FROM deliveries d
LEFT JOIN delivery_attempts a ON a.workspace_id = d.workspace_id AND a.id = d.id
WHERE d.workspace_id = $1::uuid AND d.id = $2::uuid
ORDER BY a.n DESC LIMIT 100;

-- name: sign_in
-- How people sign in by a provider: one row, or none. Of the people those whose owner is revoked are said to be so.
-- $1 uuid: workspace
SELECT s.doc->>'issuer', s.doc->>'clientId', s.doc->>'hasSecret',
       (SELECT coalesce(json_agg(json_strip_nulls(json_build_object('email', p.value->>'email', 'subject', p.value->>'subject',
                   'owner', json_build_object('id', p.value->>'owner', 'name', o.name, 'role', o.role, 'revoked', o.revoked IS NOT NULL)))
               ORDER BY p.ordinality), '[]')::text
        FROM json_array_elements(s.doc->'people') WITH ORDINALITY p
        LEFT JOIN owners o ON o.workspace_id = s.workspace_id AND o.id = (p.value->>'owner')::uuid)
FROM sign_in s
WHERE s.workspace_id = $1::uuid;
