-- Rows that the archive changes with every batch, out of the way of old snapshots: their keys, too, end with a generation, a sixteenth
-- of how often the row has changed (see 0007_counters.sql). There is one live row for each key. Minutes need none: one has few changes.
ALTER TABLE audit_offset
    ADD COLUMN generation bigint NOT NULL DEFAULT 0, -- changes / 16
    ADD COLUMN changes    bigint NOT NULL DEFAULT 0;
ALTER TABLE audit_offset DROP CONSTRAINT audit_offset_pkey, ADD PRIMARY KEY (partition, generation);

ALTER TABLE audit_tree
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN changes    bigint NOT NULL DEFAULT 0;
ALTER TABLE audit_tree DROP CONSTRAINT audit_tree_pkey, ADD PRIMARY KEY (workspace_id, tree, generation);
DROP INDEX audit_tree_unsigned;
CREATE INDEX audit_tree_faulty ON audit_tree (partition) WHERE stopped IS NOT NULL OR refused IS NOT NULL;


-- Trees that have grown since a head was signed. A row comes and goes once for each head, while audit_tree changes with every batch.
CREATE TABLE audit_due (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL,
    partition    int NOT NULL,
    PRIMARY KEY (workspace_id, tree)
);
CREATE INDEX ON audit_due (partition);
INSERT INTO audit_due (workspace_id, tree, partition) SELECT workspace_id, tree, partition FROM audit_tree WHERE size > signed_size;
ALTER TABLE audit_due OWNER TO usher_owner;
ALTER TABLE audit_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_due FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON audit_due TO usher_owner USING (true) WITH CHECK (true);
CREATE POLICY tenant ON audit_due TO usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
GRANT SELECT, INSERT, DELETE ON audit_due TO usher_worker;

ALTER TABLE activity_hour
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN changes    bigint NOT NULL DEFAULT 0;
ALTER TABLE activity_hour DROP CONSTRAINT activity_hour_pkey, ADD PRIMARY KEY (workspace_id, key_id, at, generation);
ALTER TABLE activity_day
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN changes    bigint NOT NULL DEFAULT 0;
ALTER TABLE activity_day DROP CONSTRAINT activity_day_pkey, ADD PRIMARY KEY (workspace_id, key_id, at, generation);
ALTER TABLE activity_source
    ADD COLUMN generation bigint NOT NULL DEFAULT 0,
    ADD COLUMN changes    bigint NOT NULL DEFAULT 0;
ALTER TABLE activity_source DROP CONSTRAINT activity_source_pkey, ADD PRIMARY KEY (workspace_id, key_id, source, generation);
