-- The programs look at the schema's number before they use it, with the rights that they serve with.
GRANT SELECT ON usher.migrations, usher.applied_functions TO usher_ingest, usher_worker;
