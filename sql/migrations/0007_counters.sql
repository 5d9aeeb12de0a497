-- Counters that change all the time, out of the way of old snapshots. A row that is changed again and again leaves versions
-- behind, which nobody may prune while any transaction is older than they are; and each look-up by a key that does not
-- change walks over all of them. Here the key ends with a generation, which grows with every few changes: the newest
-- generation is found at once, whatever lies behind it. There is one live row for each key or workspace.

DROP TABLE key_rates;

-- Sliding window of 60 s in buckets of 250 ms, for each credential; see gate_take. Lost in a crash of PostgreSQL, which
-- forgives at most one window.
CREATE UNLOGGED TABLE key_rates (
    workspace_id uuid NOT NULL,
    key_id       uuid NOT NULL,
    generation   bigint NOT NULL DEFAULT 0, -- changes / 8
    changes      bigint NOT NULL DEFAULT 0,
    head         bigint NOT NULL,           -- number of the newest bucket
    oldest       bigint NOT NULL DEFAULT 0, -- number of the oldest bucket of the window that holds anything
    total        bigint NOT NULL,           -- sum over the window, leases with it
    leased       bigint NOT NULL DEFAULT 0, -- units of leases that have not ended: some may come back …
    leased_until bigint NOT NULL DEFAULT 0, -- … the last of them by then, in microseconds since 1970
    last_used    timestamptz NOT NULL,
    slots        int[] NOT NULL,            -- 256 of them, bucket b in slot b mod 256 + 1
    PRIMARY KEY (workspace_id, key_id, generation)
) WITH (fillfactor = 40);

ALTER TABLE key_rates OWNER TO usher_owner;
ALTER TABLE key_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE key_rates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON key_rates TO usher_ingest, usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
CREATE POLICY gate ON key_rates TO usher_gate USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON key_rates TO usher_gate;
GRANT SELECT (workspace_id, key_id, generation, last_used) ON key_rates TO usher_ingest;
