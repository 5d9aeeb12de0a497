-- Workspaces, as usherctl finds and shows them.

-- name: by_id
-- $1 uuid: workspace
SELECT workspace_id, name FROM workspaces WHERE workspace_id = $1::uuid ORDER BY generation DESC LIMIT 1;

-- name: by_name
-- $1 text: name
SELECT workspace_id, name FROM workspaces WHERE name = $1;

-- name: ids
SELECT workspace_id::text FROM workspaces ORDER BY workspace_id;

-- part: show
-- The settings are put in from their table.
-- $1 uuid: workspace
SELECT workspace_id, seats_used, rfc3339(created), {settings}
FROM workspaces
WHERE workspace_id = $1::uuid
ORDER BY generation DESC LIMIT 1;

-- part: list
-- The same of all.
SELECT workspace_id, seats_used, rfc3339(created), {settings}
FROM workspaces
ORDER BY name, workspace_id;
