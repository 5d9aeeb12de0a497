-- What operators look at. Credentials that run out soon, of all workspaces: without an index each look would read every key there is. On a
-- large installation these may be made beforehand, with CREATE INDEX CONCURRENTLY IF NOT EXISTS, so that nobody waits while the migration
-- makes them.
CREATE INDEX IF NOT EXISTS keys_by_expiry ON keys (expires) WHERE expires IS NOT NULL AND revoked IS NULL;
CREATE INDEX IF NOT EXISTS owners_by_expiry ON owners (expires) WHERE expires IS NOT NULL AND revoked IS NULL;

-- The context of the request that a message comes from (W3C traceparent), where traces are on: the span of an attempt to deliver it goes on
-- there.
ALTER TABLE delivery_log ADD COLUMN IF NOT EXISTS traceparent text;
