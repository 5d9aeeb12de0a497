-- All that a worker writes, as tests/support/memory_unit.h has it; of a workspace its columns. Moments that are those of the writing
-- itself are left out.
SELECT json_build_object(
    'workspaces', (SELECT coalesce(json_object_agg(w.workspace_id, row_to_json(w)), '{}') FROM workspaces w),
    'users', (SELECT coalesce(json_object_agg(workspace_id || '/' || id, json_strip_nulls(json_build_object(
        'name', user_name, 'nameKey', user_name_key, 'externalId', external_id, 'displayName', display_name,
        'displayNameKey', display_name_key, 'active', active, 'seat', seat, 'managed', managed, 'doc', doc, 'search', search,
        'version', version, 'created', (extract(epoch FROM created) * 1000000)::bigint,
        'modified', (extract(epoch FROM modified) * 1000000)::bigint, 'managedBy', managed_by))), '{}') FROM users),
    'rooms', (SELECT coalesce(json_object_agg(workspace_id || '/' || id, json_strip_nulls(json_build_object(
        'name', display_name, 'nameKey', display_name_key, 'externalId', external_id, 'doc', doc, 'search', search,
        'version', version, 'created', (extract(epoch FROM created) * 1000000)::bigint,
        'modified', (extract(epoch FROM modified) * 1000000)::bigint, 'managedBy', managed_by))), '{}') FROM rooms),
    'resources', (SELECT coalesce(json_object_agg(workspace_id || '/' || id, json_strip_nulls(json_build_object(
        'type', type, 'externalId', external_id, 'doc', doc, 'search', search,
        'version', version, 'created', (extract(epoch FROM created) * 1000000)::bigint,
        'modified', (extract(epoch FROM modified) * 1000000)::bigint))), '{}') FROM resources),
    'values', (SELECT coalesce(json_object_agg(workspace_id || '/' || type || '/' || path || '/' || key || '/' || resource_id,
        json_build_object('type', type, 'path', path, 'key', key, 'id', resource_id, 'unique', is_unique)), '{}') FROM resource_keys),
    'members', (SELECT coalesce(json_object_agg(workspace_id || '/' || room_id || '/' || user_id,
        json_build_object('transmit', transmit, 'held', held)), '{}') FROM members),
    'keys', (SELECT coalesce(json_object_agg(workspace_id || '/' || id, json_strip_nulls(json_build_object(
        'name', name, 'tokenHash', encode(token_hash, 'hex'), 'prefix', prefix, 'scopes', scopes::text, 'dialect', dialect,
        'networks', networks::text, 'rate', rate_limit, 'expires', (extract(epoch FROM expires) * 1000000)::bigint,
        'oldTokenHash', encode(old_token_hash, 'hex'), 'oldUntil', (extract(epoch FROM old_until) * 1000000)::bigint,
        'createdBy', created_by, 'revoked', revoked IS NOT NULL, 'revokedBy', revoked_by,
        'jwks', jwks::text, 'jwksUri', jwks_uri, 'drySince', (extract(epoch FROM dry_since) * 1000000)::bigint))), '{}') FROM keys),
    'owners', (SELECT coalesce(json_object_agg(workspace_id || '/' || id, json_strip_nulls(json_build_object(
        'name', name, 'role', role, 'tokenHash', encode(token_hash, 'hex'), 'prefix', prefix,
        'expires', (extract(epoch FROM expires) * 1000000)::bigint, 'createdBy', created_by,
        'revoked', revoked IS NOT NULL, 'revokedBy', revoked_by))), '{}') FROM owners),
    'deliveries', (SELECT coalesce(json_object_agg(workspace_id || '/' || id, json_build_object('doc', doc::text, 'secrets', secrets)), '{}')
        FROM deliveries),
    'signIn', (SELECT coalesce(json_object_agg(workspace_id, json_strip_nulls(json_build_object('doc', doc::text, 'secret', secret))), '{}')
        FROM sign_in),
    'logins', (SELECT coalesce(json_object_agg(workspace_id || '/' || user_id, json_build_object(
        'first', (extract(epoch FROM first_at) * 1000000)::bigint, 'last', (extract(epoch FROM last_at) * 1000000)::bigint,
        'times', times)), '{}') FROM logins),
    'guards', (SELECT coalesce(json_object_agg(workspace_id || '/' || key_id || '/' || kind, json_strip_nulls(json_build_object(
        'head', head, 'slots', slots, 'base', base, 'baseAt', base_at,
        'tripped', (extract(epoch FROM tripped) * 1000000)::bigint))), '{}') FROM guard_windows),
    'slices', (SELECT coalesce(json_object_agg(workspace_id, json_build_object(
        'hiddenRoom', coalesce(hidden_room::text, ''), 'hiddenUser', coalesce(hidden_user::text, ''))), '{}') FROM slices),
    'bulks', (SELECT coalesce(json_object_agg(workspace_id || '/' || bulk, json_build_object('failures', failures)), '{}')
        FROM bulk_failures),
    'claims', (SELECT coalesce(json_object_agg(workspace_id || '/' || txn, json_strip_nulls(json_build_object(
        'partition', origin_partition, 'offset', origin_offset, 'type', type, 'outcome', outcome::text, 'event', event,
        'records', records))), '{}') FROM command_log),
    'outbox', (SELECT coalesce(json_object_agg(partition || '/' || number, json_build_object('records', encode(records, 'hex'))), '{}')
        FROM outbox)
)
