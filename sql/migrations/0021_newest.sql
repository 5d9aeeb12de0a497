-- Users and rooms who are changed all the time, out of the way of old snapshots: their keys, too, end with a generation, which is a
-- sixteenth of the version (see 0007_counters.sql). Programs of versions before name the old key when they store, and leave the
-- generation as it is. So this is the first half alone, with which both go on; what takes the old key away, and what looks at every
-- version for it, is the part `finish` of statements/migrate.sql. On a large installation the columns and then the indexes can be
-- made beforehand, these with CREATE INDEX CONCURRENTLY IF NOT EXISTS, so that nobody waits while the migration makes them.
ALTER TABLE users ADD COLUMN IF NOT EXISTS generation bigint NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN IF NOT EXISTS generation bigint NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX IF NOT EXISTS users_newest ON users (workspace_id, id, generation);
CREATE UNIQUE INDEX IF NOT EXISTS rooms_newest ON rooms (workspace_id, id, generation);
CREATE INDEX IF NOT EXISTS users_by_name ON users (workspace_id, user_name_key, generation);
