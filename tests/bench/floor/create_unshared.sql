-- The same without the seats and sequence that all creates share: no limit can be kept with it; it shows what that row costs plain SQL.
\set n random(1, 4000000000000000000)
WITH u AS (
    INSERT INTO users VALUES ('00000000-0000-7000-8000-000000000000', gen_random_uuid(), 'n' || :n || '@example.com', 'n' || :n || '@example.com',
        true, user_doc('n' || :n || '@example.com'), 1, now(), now()) RETURNING id, user_name
)
INSERT INTO command_log SELECT '00000000-0000-7000-8000-000000000000', gen_random_uuid(), 'user.create', json_build_object('code', 'OK', 'id', u.id, 'version', 1),
    json_build_object('kind', 'change', 'action', 'user.created', 'outcome', 'applied', 'time', now(),
        'target', json_build_object('type', 'User', 'id', u.id, 'name', u.user_name),
        'actor', json_build_object('kind', 'key', 'name', 'bench'))::text FROM u;
