-- A thousand creates in one statement, the row that all share touched once.
\set n random(1, 4000000000000000000)
WITH u AS (
    INSERT INTO users SELECT '00000000-0000-7000-8000-000000000000', gen_random_uuid(), 'b' || :n || '-' || k || '@example.com', 'b' || :n || '-' || k || '@example.com',
        true, user_doc('b' || :n || '-' || k || '@example.com'), 1, now(), now() FROM generate_series(1, 1000) k RETURNING id, user_name
), w AS (
    UPDATE workspaces SET seats_used = seats_used + 1000, audit_seq = audit_seq + 1000
    WHERE workspace_id = '00000000-0000-7000-8000-000000000000' RETURNING workspace_id, audit_seq
)
INSERT INTO command_log SELECT w.workspace_id, gen_random_uuid(), 'user.create', json_build_object('code', 'OK', 'id', u.id, 'version', 1),
    json_build_object('kind', 'change', 'seq', w.audit_seq, 'action', 'user.created', 'outcome', 'applied', 'time', now(),
        'target', json_build_object('type', 'User', 'id', u.id, 'name', u.user_name),
        'actor', json_build_object('kind', 'key', 'id', w.workspace_id, 'name', 'bench'))::text FROM u, w;
