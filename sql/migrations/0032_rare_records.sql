-- What auditors look for, and what hardly ever happens: without an index a search goes through all records, day by day, and ends after
-- seconds with little or nothing. The actions of every synchronisation are left out, so a record of theirs costs nothing more.
CREATE INDEX audit_leaf_by_action ON audit_leaf (workspace_id, action, at)
    WHERE action NOT IN ('user.created', 'user.updated', 'user.login', 'seat.taken', 'seat.freed', 'member.added', 'member.removed');

-- Requests that usher itself could not answer: one in many thousands, among all those that were refused (audit_leaf_refused).
CREATE INDEX audit_leaf_failed ON audit_leaf (workspace_id, at) WHERE status >= 500;
