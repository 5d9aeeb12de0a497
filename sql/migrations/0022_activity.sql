-- Requests that were refused, for the pages that show them (statements/activity.sql): the newest of a workspace, and of a key.
CREATE INDEX audit_leaf_refused ON audit_leaf (workspace_id, at) WHERE status >= 400;
CREATE INDEX audit_leaf_refused_by_actor ON audit_leaf (workspace_id, actor_id, at) WHERE status >= 400;
