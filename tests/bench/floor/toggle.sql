\set u random(1, 20000)
WITH u AS (
    UPDATE users SET active = NOT active, doc = (doc::jsonb || jsonb_build_object('active', NOT active))::json, version = version + 1, modified = now()
    WHERE workspace_id = '00000000-0000-7000-8000-000000000000' AND id = user_id(:u) RETURNING id, version, active
), w AS (
    UPDATE workspaces SET seats_used = seats_used + CASE WHEN u.active THEN 1 ELSE -1 END, audit_seq = audit_seq + 1 FROM u
    WHERE workspace_id = '00000000-0000-7000-8000-000000000000' RETURNING workspace_id, audit_seq
)
INSERT INTO command_log SELECT w.workspace_id, gen_random_uuid(), 'user.patch', json_build_object('code', 'OK', 'id', u.id, 'version', u.version),
    json_build_object('kind', 'change', 'seq', w.audit_seq, 'action', CASE WHEN u.active THEN 'user.activated' ELSE 'user.deactivated' END,
        'outcome', 'applied', 'time', now(), 'target', json_build_object('type', 'User', 'id', u.id),
        'actor', json_build_object('kind', 'key', 'id', w.workspace_id, 'name', 'bench'))::text FROM u, w;
