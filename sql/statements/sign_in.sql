-- Signing in to the portal by an OpenID provider (sql/ask/sign_in.h).

-- name: find
-- $1 text: id or name of a workspace
SELECT s.workspace_id, s.doc, s.secret, s.owners FROM sign_in_find($1) s;
