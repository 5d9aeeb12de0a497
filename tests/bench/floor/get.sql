\set u random(1, 20000)
SELECT doc, version, created, modified FROM users WHERE workspace_id = '00000000-0000-7000-8000-000000000000' AND id = user_id(:u);
