-- Events over HTTP (ops/DESIGN.md, "Deliveries"): endpoints, the log that they are served from, how far each is, and what it has answered.

-- An endpoint. doc has what everybody may see of it (schemas/openapi.json, "Delivery"); secrets the secret that its messages are signed with, and
-- behind a blank the one before it, sealed with the service's own (schemas/api/delivery.h). Written by commands alone.
CREATE TABLE deliveries (
    workspace_id uuid NOT NULL REFERENCES workspace_ids,
    id           uuid NOT NULL,
    doc          json NOT NULL CHECK (doc->>'state' IN ('enabled', 'paused', 'disabled')),
    secrets      text NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

-- The messages of workspaces that have endpoints: one row a record of usher.events and usher.membership, however many endpoints there are.
-- number counts per workspace, from 1, without gaps, in the order in which they came. A table a day (functions/delivery_days.sql).
CREATE TABLE delivery_log (
    workspace_id uuid NOT NULL,
    number       bigint NOT NULL,
    taken        timestamptz NOT NULL DEFAULT now(),
    at           timestamptz NOT NULL,     -- the record's own time
    type         text NOT NULL,            -- ce_type
    event        text NOT NULL,            -- ce_id
    value        text COMPRESSION lz4 NOT NULL, -- as it is on the stream
    PRIMARY KEY (workspace_id, number, taken)
) PARTITION BY RANGE (taken);
CREATE INDEX delivery_log_by_time ON delivery_log (workspace_id, at);
CREATE TABLE delivery_log_rest PARTITION OF delivery_log DEFAULT;

-- The newest number of each workspace that has, or had, endpoints.
CREATE TABLE delivery_heads (
    workspace_id uuid PRIMARY KEY REFERENCES workspace_ids,
    newest       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- How far an endpoint is. Moved by who delivers; turn and version rise with commands, so that who delivers notices.
CREATE TABLE delivery_progress (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,
    cursor        bigint NOT NULL,         -- all messages up to this number are done
    turn          bigint NOT NULL DEFAULT 0, -- how often a command has set the cursor …
    version       bigint NOT NULL DEFAULT 0, -- … or changed anything of the endpoint
    next_try      timestamptz NOT NULL DEFAULT now(),
    failures      int NOT NULL DEFAULT 0,  -- attempts in a row that have failed
    failing_since timestamptz,
    succeeded     timestamptz,             -- the last attempt that did
    attempts      bigint NOT NULL DEFAULT 0, -- all of them, ever
    lost          bigint NOT NULL DEFAULT 0, -- messages that the log had forgotten before they were delivered
    asked         bigint[] NOT NULL DEFAULT '{}', -- messages to be sent once more, beside the others; 0: one that says nothing
    holder        text,                    -- who delivers to it just now …
    held_until    timestamptz NOT NULL DEFAULT '-infinity', -- … and until when nobody else does
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, id) REFERENCES deliveries ON DELETE CASCADE
) WITH (fillfactor = 50);

-- The newest attempts of each endpoint: number n stands in slot n mod 100.
CREATE TABLE delivery_attempts (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    slot         smallint NOT NULL CHECK (slot BETWEEN 0 AND 99),
    n            bigint NOT NULL,
    at           timestamptz NOT NULL,
    number       bigint NOT NULL,          -- of the message; 0: a trial
    event        text NOT NULL,
    type         text NOT NULL,
    status       int NOT NULL,             -- of the answer; 0: there was none
    error        text,                     -- NULL: it went well
    answer       text,                     -- its first bytes
    duration_us  bigint NOT NULL,
    next_try     timestamptz,
    PRIMARY KEY (workspace_id, id, slot),
    FOREIGN KEY (workspace_id, id) REFERENCES deliveries ON DELETE CASCADE
) WITH (fillfactor = 50);

-- Where the log goes on in the two topics. It moves in the transaction of the rows before it.
CREATE TABLE delivery_offset (
    topic     text NOT NULL,
    partition int NOT NULL,
    next      bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['deliveries', 'delivery_log', 'delivery_log_rest', 'delivery_heads', 'delivery_progress', 'delivery_attempts',
                             'delivery_offset'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY keeper ON %I TO usher_owner USING (true) WITH CHECK (true)', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['deliveries', 'delivery_log', 'delivery_heads', 'delivery_progress', 'delivery_attempts'] LOOP
        EXECUTE format($p$CREATE POLICY tenant ON %I TO usher_ingest, usher_worker
            USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
            WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)$p$, t);
    END LOOP;
END $$;
CREATE POLICY worker ON delivery_offset TO usher_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries TO usher_worker;
GRANT SELECT, INSERT ON delivery_log TO usher_worker;
GRANT SELECT, INSERT, UPDATE ON delivery_heads, delivery_progress, delivery_attempts, delivery_offset TO usher_worker;
GRANT SELECT (workspace_id, id, doc) ON deliveries TO usher_ingest;
GRANT SELECT ON delivery_heads, delivery_progress, delivery_attempts TO usher_ingest;
