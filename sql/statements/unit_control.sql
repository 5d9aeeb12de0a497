-- Who may do what, as a unit of work loads and stores it: keys, owners, logins, the guard's windows
-- (sql/unit/postgres_control.c). Parameters are arrays, one for each column; $1 has the workspaces. Times are
-- microseconds since 1970. Rows are found as in unit_load.sql.

-- name: load_keys
-- $1 uuid[]: workspaces
-- $2 uuid[]: keys
SELECT k.workspace_id, k.id, k.name, encode(k.token_hash, 'hex'), k.prefix, k.dialect, k.scopes, k.networks,
       coalesce(k.rate_limit, 0), coalesce(micros(k.expires), 0), encode(k.old_token_hash, 'hex'),
       coalesce(micros(k.old_until), 0), k.created_by, k.revoked IS NOT NULL, k.revoked_by, k.jwks::text, k.jwks_uri,
       coalesce(micros(k.dry_since), 0)
FROM unnest($1::uuid[], $2::uuid[]) AS a (w, i)
CROSS JOIN LATERAL (SELECT * FROM keys t WHERE t.workspace_id = a.w AND t.id = a.i OFFSET 0) k;

-- name: load_owners
-- All of a workspace.
-- $1 uuid[]: workspaces
SELECT o.workspace_id, o.id, o.name, o.role, encode(o.token_hash, 'hex'), o.prefix,
       coalesce(micros(o.expires), 0), o.created_by, o.revoked IS NOT NULL, o.revoked_by
FROM unnest($1::uuid[]) AS a (w)
CROSS JOIN LATERAL (SELECT * FROM owners t WHERE t.workspace_id = a.w OFFSET 0) o;

-- name: load_logins
-- $1 uuid[]: workspaces
-- $2 uuid[]: users
SELECT l.workspace_id, l.user_id, micros(l.first_at), micros(l.last_at), l.times
FROM unnest($1::uuid[], $2::uuid[]) AS a (w, u)
CROSS JOIN LATERAL (SELECT * FROM logins t WHERE t.workspace_id = a.w AND t.user_id = a.u OFFSET 0) l;

-- name: load_guards
-- $1 uuid[]: workspaces
-- $2 uuid[]: keys
-- $3 text[]: what is counted: users, members
SELECT g.workspace_id, g.key_id, g.kind, g.head, array_to_string(g.slots, ' '), g.base, g.base_at,
       coalesce(micros(g.tripped), 0)
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS a (w, k, y)
CROSS JOIN LATERAL (
    SELECT * FROM guard_windows t WHERE t.workspace_id = a.w AND t.key_id = a.k AND t.kind = a.y OFFSET 0
) g;

-- name: store_keys
-- Who revoked first, and when, stays.
-- $1 uuid[]: workspaces
-- $2 uuid[]: keys
-- $3 text[]: names
-- $4 text[]: hashes of the tokens, in hex
-- $5 text[]: their prefixes
-- $6 text[]: scopes, each the text of an array
-- $7 text[]: dialects
-- $8 text[]: networks, each the text of an array
-- $9 integer[]: rates; 0: the workspace's
-- $10 bigint[]: when they expire; 0: never
-- $11 text[]: hashes of the tokens before the last rotation, in hex
-- $12 bigint[]: until when those are good; 0: there is none
-- $13 text[]: who made them
-- $14 boolean[]: revoked
-- $15 text[]: who revoked them
-- $16 text[]: the clients' public keys, each the text of a JSON Web Key Set
-- $17 text[]: where those are fetched from
-- $18 bigint[]: since when they only try changes; 0: they do not
INSERT INTO keys (workspace_id, id, name, token_hash, prefix, scopes, dialect, networks, rate_limit, expires,
                  old_token_hash, old_until, created_by, revoked, revoked_by, jwks, jwks_uri, dry_since)
SELECT a.workspace, a.id, a.name, decode(a.hash, 'hex'), a.prefix, a.scopes::text[], a.dialect, a.networks::text[],
       nullif(a.rate, 0), from_micros(a.expires), decode(a.old_hash, 'hex'), from_micros(a.old_until), a.created_by,
       CASE WHEN a.revoked THEN now() END, a.revoked_by, a.jwks::json, a.jwks_uri, from_micros(a.dry_since)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[],
            $10::bigint[], $11::text[], $12::bigint[], $13::text[], $14::bool[], $15::text[], $16::text[], $17::text[],
            $18::bigint[])
     AS a (workspace, id, name, hash, prefix, scopes, dialect, networks, rate,
           expires, old_hash, old_until, created_by, revoked, revoked_by, jwks, jwks_uri, dry_since)
ON CONFLICT (workspace_id, id) DO UPDATE
SET token_hash = EXCLUDED.token_hash, prefix = EXCLUDED.prefix,
    old_token_hash = EXCLUDED.old_token_hash, old_until = EXCLUDED.old_until,
    jwks = EXCLUDED.jwks, jwks_uri = EXCLUDED.jwks_uri, dry_since = EXCLUDED.dry_since,
    revoked = coalesce(keys.revoked, EXCLUDED.revoked), revoked_by = coalesce(keys.revoked_by, EXCLUDED.revoked_by);

-- name: store_owners
-- Who revoked first, and when, stays.
-- $1 uuid[]: workspaces
-- $2 uuid[]: owners
-- $3 text[]: names
-- $4 text[]: roles
-- $5 text[]: hashes of the tokens, in hex
-- $6 text[]: their prefixes
-- $7 bigint[]: when they expire; 0: never
-- $8 text[]: who made them
-- $9 boolean[]: revoked
-- $10 text[]: who revoked them
INSERT INTO owners (workspace_id, id, name, role, token_hash, prefix, expires, created_by, revoked, revoked_by)
SELECT a.workspace, a.id, a.name, a.role, decode(a.hash, 'hex'), a.prefix, from_micros(a.expires), a.created_by,
       CASE WHEN a.revoked THEN now() END, a.revoked_by
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::bool[],
            $10::text[])
     AS a (workspace, id, name, role, hash, prefix, expires, created_by, revoked, revoked_by)
ON CONFLICT (workspace_id, id) DO UPDATE
SET revoked = coalesce(owners.revoked, EXCLUDED.revoked), revoked_by = coalesce(owners.revoked_by, EXCLUDED.revoked_by);

-- name: store_logins
-- $1 uuid[]: workspaces
-- $2 uuid[]: users
-- $3 bigint[]: first login
-- $4 bigint[]: last login
-- $5 bigint[]: number of logins
INSERT INTO logins (workspace_id, user_id, first_at, last_at, times)
SELECT a.workspace, a.id, from_micros(a.first_at), from_micros(a.last_at), a.times
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
     AS a (workspace, id, first_at, last_at, times)
ON CONFLICT (workspace_id, user_id) DO UPDATE SET last_at = EXCLUDED.last_at, times = EXCLUDED.times;

-- name: store_guards
-- $1 uuid[]: workspaces
-- $2 uuid[]: keys
-- $3 text[]: what is counted: users, members
-- $4 bigint[]: number of the newest bucket
-- $5 text[]: the buckets, each the text of an array
-- $6 bigint[]: how many there were …
-- $7 bigint[]: … at the time of this bucket
-- $8 bigint[]: when it tripped; 0: it has not
INSERT INTO guard_windows (workspace_id, key_id, kind, head, slots, base, base_at, tripped)
SELECT a.workspace, a.id, a.kind, a.head, a.slots::int[], a.base, a.base_at, from_micros(a.tripped)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
     AS a (workspace, id, kind, head, slots, base, base_at, tripped)
ON CONFLICT (workspace_id, key_id, kind) DO UPDATE
SET head = EXCLUDED.head, slots = EXCLUDED.slots, base = EXCLUDED.base, base_at = EXCLUDED.base_at,
    tripped = EXCLUDED.tripped;

-- name: load_deliveries
-- All of a workspace.
-- $1 uuid[]: workspaces
SELECT d.workspace_id, d.id, d.doc::text, d.secrets
FROM unnest($1::uuid[]) AS a (w)
CROSS JOIN LATERAL (SELECT * FROM deliveries t WHERE t.workspace_id = a.w OFFSET 0) d;

-- name: store_deliveries
-- A new endpoint begins behind the newest message; with the first stream of a workspace the addresses of its users are noted. A changed one is tried at once. A cursor that is set goes to the last
-- message before a moment, or to a number.
-- $1 uuid[]: workspaces
-- $2 uuid[]: endpoints
-- $3 text[]: what everybody may see of them, JSON
-- $4 text[]: their secrets, sealed
-- $5 bigint[]: all messages since this moment are to be sent once more; 0: they are not
-- $6 bigint[]: go on behind this number; -1: where it is
-- $7 text[]: messages to be sent once more beside the others, each the text of an array
WITH given AS (
    SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
         AS x (workspace_id, id, doc, secrets, since, after, asked)
), stored AS (
    INSERT INTO deliveries (workspace_id, id, doc, secrets) SELECT workspace_id, id, doc::json, secrets FROM given
    ON CONFLICT (workspace_id, id) DO UPDATE SET doc = EXCLUDED.doc, secrets = EXCLUDED.secrets
), heads AS (
    INSERT INTO delivery_heads AS h (workspace_id, fills_since, filled)
    SELECT g.workspace_id, clock_timestamp(), CASE WHEN bool_or(g.doc::json->'stream' IS NOT NULL) AND NOT EXISTS (
               SELECT FROM deliveries d WHERE d.workspace_id = g.workspace_id AND d.doc->'stream' IS NOT NULL)
           THEN '00000000-0000-0000-0000-000000000000'::uuid END
    FROM given g GROUP BY g.workspace_id
    ON CONFLICT (workspace_id) DO UPDATE SET filled = EXCLUDED.filled, fills_since = EXCLUDED.fills_since WHERE EXCLUDED.filled IS NOT NULL
)
INSERT INTO delivery_progress AS p (workspace_id, id, cursor, asked)
SELECT g.workspace_id, g.id,
       CASE WHEN g.since > 0 THEN coalesce((SELECT min(l.number) - 1 FROM delivery_log l
                                            WHERE l.workspace_id = g.workspace_id AND l.at >= from_micros(g.since)), h.newest, 0)
            WHEN g.after >= 0 THEN least(g.after, coalesce(h.newest, 0))
            ELSE coalesce(h.newest, 0) END,
       g.asked::bigint[]
FROM given g LEFT JOIN delivery_heads h ON h.workspace_id = g.workspace_id
ON CONFLICT (workspace_id, id) DO UPDATE
SET version = p.version + 1, failures = 0, failing_since = NULL, next_try = now(),
    asked = (p.asked || EXCLUDED.asked)[1:100],
    turn = p.turn + CASE WHEN (SELECT g.since > 0 OR g.after >= 0 FROM given g WHERE g.workspace_id = p.workspace_id AND g.id = p.id) THEN 1 ELSE 0 END,
    cursor = CASE WHEN (SELECT g.since > 0 OR g.after >= 0 FROM given g WHERE g.workspace_id = p.workspace_id AND g.id = p.id)
                  THEN EXCLUDED.cursor ELSE p.cursor END,
    done = CASE WHEN (SELECT g.since > 0 OR g.after >= 0 FROM given g WHERE g.workspace_id = p.workspace_id AND g.id = p.id)
                THEN '{}' ELSE p.done END;

-- name: say_deliveries
-- Messages for one endpoint alone: behind all that is in the log by now. Some are sent at once, beside those that wait.
-- $1 uuid[]: workspaces
-- $2 uuid[]: endpoints
-- $3 text[]: types
-- $4 text[]: what stands for a ce_id
-- $5 text[]: values
-- $6 boolean[]: are they sent at once?
WITH given AS (
    SELECT x.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[]) WITH ORDINALITY
         AS x (workspace_id, id, type, event, value, at_once, nth)
), heads AS (
    UPDATE delivery_heads h SET newest = h.newest + g.n
    FROM (SELECT workspace_id, count(*) AS n FROM given GROUP BY workspace_id) g
    WHERE h.workspace_id = g.workspace_id
    RETURNING h.workspace_id, h.newest - g.n AS before
), numbered AS (
    SELECT g.*, h.before + row_number() OVER (PARTITION BY g.workspace_id ORDER BY g.nth) AS number FROM given g JOIN heads h USING (workspace_id)
), told AS (
    INSERT INTO delivery_log (workspace_id, number, at, type, event, value)
    SELECT workspace_id, number, clock_timestamp(), type, event, value FROM numbered
)
UPDATE delivery_progress p SET asked = (p.asked || n.numbers)[1:100]
FROM (SELECT workspace_id, id, array_agg(number ORDER BY number) AS numbers FROM numbered WHERE at_once GROUP BY workspace_id, id) n
WHERE p.workspace_id = n.workspace_id AND p.id = n.id;

-- name: delete_deliveries
-- With all that belongs to them.
-- $1 uuid[]: workspaces
-- $2 uuid[]: endpoints
DELETE FROM deliveries d USING unnest($1::uuid[], $2::uuid[]) AS a (w, i) WHERE d.workspace_id = a.w AND d.id = a.i;

-- name: load_sign_ins
-- $1 uuid[]: workspaces
SELECT s.workspace_id, s.doc::text, s.secret
FROM unnest($1::uuid[]) AS a (w)
CROSS JOIN LATERAL (SELECT * FROM sign_in t WHERE t.workspace_id = a.w OFFSET 0) s;

-- name: store_sign_ins
-- $1 uuid[]: workspaces
-- $2 text[]: how people sign in there, JSON
-- $3 text[]: the secret of the client, sealed; NULL: none
INSERT INTO sign_in (workspace_id, doc, secret)
SELECT a.w, a.doc::json, a.secret FROM unnest($1::uuid[], $2::text[], $3::text[]) AS a (w, doc, secret)
ON CONFLICT (workspace_id) DO UPDATE SET doc = EXCLUDED.doc, secret = EXCLUDED.secret;

-- name: delete_sign_ins
-- $1 uuid[]: workspaces
DELETE FROM sign_in s USING unnest($1::uuid[]) AS a (w) WHERE s.workspace_id = a.w;
