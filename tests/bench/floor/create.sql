-- Seat limit: the CHECK on the row refuses it. The row that all share is touched last, which is the fastest that one statement can be.
\set n random(1, 4000000000000000000)
WITH u AS (
    INSERT INTO users VALUES ('00000000-0000-7000-8000-000000000000', gen_random_uuid(), 'n' || :n || '@example.com', 'n' || :n || '@example.com',
        true, user_doc('n' || :n || '@example.com'), 1, now(), now()) RETURNING id, user_name
), w AS (
    UPDATE workspaces SET seats_used = seats_used + 1, audit_seq = audit_seq + 1 FROM u
    WHERE workspace_id = '00000000-0000-7000-8000-000000000000' RETURNING workspace_id, audit_seq
)
INSERT INTO command_log SELECT w.workspace_id, gen_random_uuid(), 'user.create', json_build_object('code', 'OK', 'id', u.id, 'version', 1),
    json_build_object('kind', 'change', 'seq', w.audit_seq, 'action', 'user.created', 'outcome', 'applied', 'time', now(),
        'target', json_build_object('type', 'User', 'id', u.id, 'name', u.user_name),
        'actor', json_build_object('kind', 'key', 'id', w.workspace_id, 'name', 'bench'))::text FROM u, w;
