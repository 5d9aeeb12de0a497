-- One more of those who are in no room, into one of the rooms :first to :last.
\set r random(:first, :last)
WITH m AS (
    INSERT INTO members VALUES ('00000000-0000-7000-8000-000000000000', room_id(:r), user_id(100001 + nextval('extra') % 30000), true)
    ON CONFLICT DO NOTHING RETURNING room_id, user_id
), w AS (
    UPDATE workspaces SET membership_seq = membership_seq + 1, audit_seq = audit_seq + 1 FROM m
    WHERE workspace_id = '00000000-0000-7000-8000-000000000000' RETURNING workspace_id, membership_seq, audit_seq
)
INSERT INTO command_log SELECT w.workspace_id, gen_random_uuid(), 'room.patch', json_build_object('code', 'OK', 'id', m.room_id, 'version', 1),
    json_build_object('kind', 'change', 'seq', w.audit_seq, 'membership', w.membership_seq, 'action', 'member.added', 'outcome', 'applied',
        'time', now(), 'target', json_build_object('type', 'Room', 'id', m.room_id), 'subject', json_build_object('type', 'User', 'id', m.user_id),
        'actor', json_build_object('kind', 'key', 'id', w.workspace_id, 'name', 'bench'))::text FROM m, w;
