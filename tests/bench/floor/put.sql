-- The room's list again, with one member more or one less. The ids are made here; a client would send them.
\set extra random(10000, 10001)
WITH want AS MATERIALIZED (
    SELECT user_id(k) AS id FROM generate_series(1, :extra) k
), gone AS (
    DELETE FROM members WHERE workspace_id = '00000000-0000-7000-8000-000000000000' AND room_id = room_id(1001)
    AND user_id NOT IN (SELECT id FROM want) RETURNING user_id
), new AS (
    INSERT INTO members SELECT '00000000-0000-7000-8000-000000000000', room_id(1001), id, true FROM want ON CONFLICT DO NOTHING RETURNING user_id
), w AS (
    UPDATE workspaces SET membership_seq = membership_seq + n, audit_seq = audit_seq + n
    FROM (SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM new) AS n) c
    WHERE workspace_id = '00000000-0000-7000-8000-000000000000' AND n > 0 RETURNING workspace_id, membership_seq, audit_seq
)
INSERT INTO command_log SELECT w.workspace_id, gen_random_uuid(), 'room.replace', json_build_object('code', 'OK', 'id', room_id(1001), 'version', 1),
    json_build_object('kind', 'change', 'seq', w.audit_seq, 'membership', w.membership_seq, 'action', 'member.changed', 'outcome', 'applied', 'time', now(),
        'target', json_build_object('type', 'Room', 'id', room_id(1001)), 'actor', json_build_object('kind', 'key', 'id', w.workspace_id, 'name', 'bench'))::text FROM w;
