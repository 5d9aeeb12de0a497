-- What every connection sends around the statements of others.

-- name: ping
SELECT 1;

-- name: clock
-- Microseconds since 1970 there, now.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- name: try_room
-- Is there room on the disk? It sorts some mebibytes in a connection that may use little memory for it (work_mem=64kB), so PostgreSQL writes
-- them to a file, and removes that at once. No row is written, no WAL, and no right is needed. A table that has free space in its last block
-- would take a row on a full disk, and say nothing.
-- $1 integer: KiB
SELECT count(*) FROM (SELECT n || repeat('x', 1000) AS filler FROM generate_series(1, $1::int) AS n ORDER BY 1 OFFSET 0) AS s
WHERE length(s.filler) > 0;

-- name: set_patience
-- For how long a statement may run, and a transaction stand open.
-- $1 text: milliseconds
SELECT set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false);

-- name: begin
BEGIN;

-- name: begin_read_only
BEGIN READ ONLY;

-- name: begin_snapshot
-- All statements of the transaction see one state.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: commit
COMMIT;

-- name: see_workspace
-- Tells row-level security, until the end of the transaction, the one workspace that is seen.
-- $1 text: id of the workspace
SELECT set_config('usher.workspace', '{' || $1 || '}', true);

-- name: see_workspace_briefly
-- The same for statements that must be short: until the end of the transaction each may run no longer.
-- $1 text: id of the workspace
-- $2 text: milliseconds
SELECT set_config('usher.workspace', '{' || $1 || '}', true), set_config('statement_timeout', $2, true);

-- name: see_workspaces
-- The same for several.
-- $1 text: an array of their ids, as '{id,id}'
SELECT set_config('usher.workspace', $1, true);

-- name: refuse_hidden_rows
-- A statement that row-level security would hide rows from fails, instead of missing them. For who sees all.
SET LOCAL row_security = off;
