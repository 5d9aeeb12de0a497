\set u random(1, 20000)
SELECT id, doc, version, created, modified FROM users WHERE workspace_id = '00000000-0000-7000-8000-000000000000' AND user_name_key = 'u' || :u;
