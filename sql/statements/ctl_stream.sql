-- What usherctl stream verify asks.

-- name: counters
-- The last number of each stream that was given out, of all workspaces.
SELECT workspace_id, name, epoch, membership_seq, events_seq, audit_seq FROM workspaces ORDER BY name;
