-- A key in dry-run mode tries every change (workers/apply/trial.h): since when; NULL: it changes things.
ALTER TABLE keys ADD COLUMN dry_since timestamptz;
GRANT SELECT (dry_since) ON keys TO usher_ingest;
