-- Empties all tables that a worker writes. Not TRUNCATE, which makes new files each time: the tables are small, and emptied often.
WITH m AS (DELETE FROM members), s AS (DELETE FROM slices), l AS (DELETE FROM logins), u AS (DELETE FROM users), r AS (DELETE FROM rooms), c AS (DELETE FROM resources),
     v AS (DELETE FROM resource_keys), k AS (DELETE FROM keys), o AS (DELETE FROM owners), g AS (DELETE FROM guard_windows),
     d AS (DELETE FROM deliveries), si AS (DELETE FROM sign_in), h AS (DELETE FROM delivery_heads),
     b AS (DELETE FROM bulk_failures), x AS (DELETE FROM command_log), p AS (DELETE FROM partitions), n AS (DELETE FROM outbox)
DELETE FROM workspaces
