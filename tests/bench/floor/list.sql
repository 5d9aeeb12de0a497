\set k random(0, 99) * 200
SELECT id, doc, version, created, modified FROM people WHERE workspace_id = '00000000-0000-7000-8000-000000000000' ORDER BY id LIMIT 200 OFFSET :k;
SELECT count(*) FROM people WHERE workspace_id = '00000000-0000-7000-8000-000000000000';
