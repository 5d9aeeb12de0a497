-- Resources of types that an operator defines, look-ups by attribute values, SCIM events, and what Bulk and cursors need.

-- Resources of all types but users and rooms. The type is the resource type's name.
CREATE TABLE resources (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    type         text NOT NULL,
    external_id  text,
    doc          json NOT NULL,
    search       jsonb NOT NULL,
    version      bigint NOT NULL,
    created      timestamptz NOT NULL,
    modified     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX resources_by_type ON resources (workspace_id, type, id);
CREATE INDEX resources_by_external_id ON resources (workspace_id, external_id, type) WHERE external_id IS NOT NULL;

-- Values by which resources of any type are looked up, or which must be unique (attr.lookup, attr.uniqueness), folded as in `search`. Plain text, because row-level
-- security lets only leakproof comparisons near an index, and those of jsonb are not.
CREATE TABLE resource_keys (
    workspace_id uuid NOT NULL,
    type         text NOT NULL,           -- the resource type's name
    path         text NOT NULL,           -- "emails.value"
    key          text NOT NULL,
    resource_id  uuid NOT NULL,
    is_unique    boolean NOT NULL,
    PRIMARY KEY (workspace_id, type, path, key, resource_id)
);
CREATE UNIQUE INDEX resource_keys_unique ON resource_keys (workspace_id, type, path, key) WHERE is_unique;

INSERT INTO resource_keys
SELECT DISTINCT u.workspace_id, 'User', 'emails.value', e.v->>'value', u.id, false
FROM users u CROSS JOIN LATERAL jsonb_array_elements(u.search->'emails') AS e (v)
WHERE jsonb_typeof(u.search->'emails') = 'array' AND e.v->>'value' <> '';

-- SCIM events (usher.events): a stream with numbers of its own.
ALTER TABLE workspaces
    ADD COLUMN events_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN events_mode text NOT NULL DEFAULT 'notice' CHECK (events_mode IN ('notice', 'full', 'off'));

-- Public keys of whoever signs or has signed events, as JSON Web Keys: what /.well-known/jwks.json shows. No tenant's data.
CREATE TABLE signing_keys (
    kid     text PRIMARY KEY,
    jwk     json NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);

-- How many commands of a Bulk with failOnErrors were refused: at its limit the rest is not applied.
CREATE TABLE bulk_failures (
    workspace_id uuid NOT NULL,
    bulk         uuid NOT NULL,           -- the Bulk's txn
    failures     int NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, bulk)
);

-- The service's own secret: what cursors and addresses of outcomes are sealed with. One row, the same for all instances, through restarts.
CREATE TABLE secrets (
    name  text PRIMARY KEY,
    value bytea NOT NULL CHECK (length(value) >= 32)
);
INSERT INTO secrets VALUES ('seal', sha256(decode(replace(gen_random_uuid()::text || gen_random_uuid() || gen_random_uuid(), '-', ''), 'hex')));

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['resources', 'resource_keys', 'bulk_failures'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY tenant ON %I TO usher_ingest, usher_worker
            USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
            WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)$p$, t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['signing_keys', 'secrets'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY gate ON %I TO usher_gate USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

GRANT SELECT ON resources, resource_keys TO usher_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON resources, resource_keys, bulk_failures TO usher_worker;
GRANT SELECT ON secrets TO usher_gate;
GRANT SELECT, INSERT ON signing_keys TO usher_gate;

CREATE POLICY gate ON bulk_failures TO usher_gate USING (true) WITH CHECK (true);
GRANT SELECT, DELETE ON bulk_failures TO usher_gate;
