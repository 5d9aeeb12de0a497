-- Indexes for lists that clients ask for again and again. On a large installation they can be made beforehand, with
-- CREATE INDEX CONCURRENTLY IF NOT EXISTS, so that nobody waits while the migration makes them.

-- meta.lastModified, as a filter and as an order.
CREATE INDEX IF NOT EXISTS users_by_modified ON users (workspace_id, modified, id);
CREATE INDEX IF NOT EXISTS rooms_by_modified ON rooms (workspace_id, modified, id);
CREATE INDEX IF NOT EXISTS resources_by_modified ON resources (workspace_id, modified, id);

-- userName sw. In the order of code points, whatever the database's own order is.
CREATE INDEX IF NOT EXISTS users_by_name_prefix ON users (workspace_id, user_name_key COLLATE "C");
