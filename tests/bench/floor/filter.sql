\set t random(0, 199)
SELECT id, doc, version, created, modified FROM people WHERE workspace_id = '00000000-0000-7000-8000-000000000000' AND doc->>'title' = 'Team ' || :t AND active ORDER BY id LIMIT 200;
