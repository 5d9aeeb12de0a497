-- OAuth clients that authenticate with a private key (private_key_jwt): a key of usher has the client's public keys, uploaded or where
-- they are fetched from, and each assertion is taken once.
ALTER TABLE keys
    ADD COLUMN jwks     json,              -- {"keys": […]}, public keys alone (schemas/api/key_set.h)
    ADD COLUMN jwks_uri text,
    ADD CONSTRAINT keys_jwks CHECK (jwks IS NULL OR jwks_uri IS NULL);
-- A client says no more than its id.
CREATE INDEX keys_by_id ON keys (id);
GRANT SELECT (jwks, jwks_uri) ON keys TO usher_ingest;

-- The assertions that were taken, by the hash of their jti. Partitioned by the time in the txn of the request, and forgotten by DROP
-- (functions/days_keep.sql) long after the assertion has expired. functions/assertion_claim.sql sees to it that each is there once.
CREATE TABLE assertions (
    workspace_id uuid NOT NULL,
    key_id       uuid NOT NULL,
    jti_hash     bytea NOT NULL CHECK (length(jti_hash) = 32),
    txn          uuid NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, key_id, jti_hash, txn)
) PARTITION BY RANGE (txn);
CREATE TABLE assertions_rest PARTITION OF assertions DEFAULT;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['assertions', 'assertions_rest'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('CREATE POLICY keeper ON %I TO usher_owner USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;
CREATE POLICY tenant ON assertions TO usher_ingest, usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
CREATE POLICY gate ON assertions TO usher_gate USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON assertions TO usher_gate;
