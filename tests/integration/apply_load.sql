-- The tables of a case, as tests/support/memory_unit.h has them, into empty tables. $1: {"users": {"<workspace>/<id>": {…}}, …};
-- of a workspace its columns.
WITH given AS (SELECT $1::json AS tables),
w AS (
    INSERT INTO workspaces
    -- (A worker writes no more of a workspace than its settings and counters.)
    SELECT r.* FROM given, json_each(tables->'workspaces') AS x,
           json_populate_record(NULL::workspaces, (jsonb_build_object('audit_days', 365) || x.value::jsonb)::json) AS r
),
u AS (
    INSERT INTO users (workspace_id, id, user_name, user_name_key, external_id, display_name, display_name_key, active, seat, managed,
                       doc, search, version, created, modified, managed_by)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, x.value->>'name', x.value->>'nameKey', x.value->>'externalId',
           x.value->>'displayName', x.value->>'displayNameKey', (x.value->>'active')::bool, (x.value->>'seat')::bool,
           (x.value->>'managed')::bool, x.value->'doc', (x.value->'search')::jsonb, (x.value->>'version')::bigint,
           to_timestamp((x.value->>'created')::bigint / 1000000.0), to_timestamp((x.value->>'modified')::bigint / 1000000.0),
           (x.value->>'managedBy')::uuid
    FROM given, json_each(tables->'users') AS x
),
r AS (
    INSERT INTO rooms (workspace_id, id, display_name, display_name_key, external_id, doc, search, version, created, modified,
                       managed_by)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, x.value->>'name', x.value->>'nameKey', x.value->>'externalId',
           x.value->'doc', (x.value->'search')::jsonb, (x.value->>'version')::bigint,
           to_timestamp((x.value->>'created')::bigint / 1000000.0), to_timestamp((x.value->>'modified')::bigint / 1000000.0),
           (x.value->>'managedBy')::uuid
    FROM given, json_each(tables->'rooms') AS x
),
c AS (
    INSERT INTO resources (workspace_id, id, type, external_id, doc, search, version, created, modified)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, x.value->>'type', x.value->>'externalId',
           x.value->'doc', (x.value->'search')::jsonb, (x.value->>'version')::bigint,
           to_timestamp((x.value->>'created')::bigint / 1000000.0), to_timestamp((x.value->>'modified')::bigint / 1000000.0)
    FROM given, json_each(tables->'resources') AS x
),
v AS (
    INSERT INTO resource_keys (workspace_id, type, path, key, resource_id, is_unique)
    SELECT split_part(x.key, '/', 1)::uuid, x.value->>'type', x.value->>'path', x.value->>'key', (x.value->>'id')::uuid,
           (x.value->>'unique')::bool
    FROM given, json_each(tables->'values') AS x
),
m AS (
    INSERT INTO members (workspace_id, room_id, user_id, transmit, held)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, split_part(x.key, '/', 3)::uuid,
           (x.value->>'transmit')::bool, (x.value->>'held')::bool
    FROM given, json_each(tables->'members') AS x
),
k AS (
    INSERT INTO keys (workspace_id, id, name, token_hash, prefix, scopes, dialect, networks, rate_limit, expires, old_token_hash, old_until,
                      created_by, revoked, revoked_by, jwks, jwks_uri, dry_since)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, x.value->>'name', decode(x.value->>'tokenHash', 'hex'),
           x.value->>'prefix', (x.value->>'scopes')::text[], x.value->>'dialect', (x.value->>'networks')::text[], (x.value->>'rate')::int,
           to_timestamp((x.value->>'expires')::bigint / 1000000.0), decode(x.value->>'oldTokenHash', 'hex'),
           to_timestamp((x.value->>'oldUntil')::bigint / 1000000.0), x.value->>'createdBy',
           CASE WHEN (x.value->>'revoked')::bool THEN now() END, x.value->>'revokedBy', (x.value->>'jwks')::json, x.value->>'jwksUri',
           to_timestamp((x.value->>'drySince')::bigint / 1000000.0)
    FROM given, json_each(tables->'keys') AS x
),
o AS (
    INSERT INTO owners (workspace_id, id, name, role, token_hash, prefix, created_by, expires, revoked, revoked_by)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, x.value->>'name', x.value->>'role',
           decode(x.value->>'tokenHash', 'hex'), x.value->>'prefix', x.value->>'createdBy',
           to_timestamp((x.value->>'expires')::bigint / 1000000.0), CASE WHEN (x.value->>'revoked')::bool THEN now() END,
           x.value->>'revokedBy'
    FROM given, json_each(tables->'owners') AS x
),
d AS (
    INSERT INTO deliveries (workspace_id, id, doc, secrets)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, (x.value->>'doc')::json, x.value->>'secrets'
    FROM given, json_each(tables->'deliveries') AS x
),
si AS (
    INSERT INTO sign_in (workspace_id, doc, secret)
    SELECT x.key::uuid, (x.value->>'doc')::json, x.value->>'secret'
    FROM given, json_each(tables->'signIn') AS x
),
l AS (
    INSERT INTO logins (workspace_id, user_id, first_at, last_at, times)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, to_timestamp((x.value->>'first')::bigint / 1000000.0),
           to_timestamp((x.value->>'last')::bigint / 1000000.0), (x.value->>'times')::bigint
    FROM given, json_each(tables->'logins') AS x
),
g AS (
    INSERT INTO guard_windows (workspace_id, key_id, kind, head, slots, base, base_at, tripped)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, split_part(x.key, '/', 3), (x.value->>'head')::bigint,
           ARRAY(SELECT json_array_elements_text(x.value->'slots')::int), (x.value->>'base')::bigint, (x.value->>'baseAt')::bigint,
           to_timestamp((x.value->>'tripped')::bigint / 1000000.0)
    FROM given, json_each(tables->'guards') AS x
),
b AS (
    INSERT INTO bulk_failures (workspace_id, bulk, failures)
    SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, (x.value->>'failures')::int
    FROM given, json_each(tables->'bulks') AS x
),
p AS (
    INSERT INTO partitions (partition, epoch) SELECT n, 1 FROM generate_series(0, 11) AS n
)
INSERT INTO command_log (workspace_id, txn, origin_partition, origin_offset, type, outcome, records)
SELECT split_part(x.key, '/', 1)::uuid, split_part(x.key, '/', 2)::uuid, (x.value->>'partition')::int, (x.value->>'offset')::bigint,
       x.value->>'type', (x.value->>'outcome')::json, x.value->>'records'
FROM given, json_each(tables->'claims') AS x
