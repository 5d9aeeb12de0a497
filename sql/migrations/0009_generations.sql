-- The row of a workspace changes with every batch of a worker, and every request reads it: its key, too, ends with a generation that
-- grows with every few changes (see 0007_counters.sql). That a workspace is there once, and that others can refer to it, is another
-- table's matter, which does not change. Programs of versions before leave the generation as it is, and go on as before.
CREATE TABLE workspace_ids (
    workspace_id uuid PRIMARY KEY
);
ALTER TABLE workspaces DISABLE ROW LEVEL SECURITY; -- nothing hides from the one who fills it
INSERT INTO workspace_ids SELECT workspace_id FROM workspaces;
ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;

ALTER TABLE workspace_ids OWNER TO usher_owner;
ALTER TABLE workspace_ids ENABLE ROW LEVEL SECURITY;
ALTER TABLE workspace_ids FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workspace_ids TO usher_ingest, usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
GRANT SELECT, INSERT ON workspace_ids TO usher_worker;

-- A trigger needs its function at once; the present text is sql/functions/workspace_noted.sql.
CREATE FUNCTION workspace_noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
ALTER FUNCTION workspace_noted OWNER TO usher_owner;
CREATE TRIGGER noted BEFORE INSERT ON workspaces FOR EACH ROW EXECUTE FUNCTION workspace_noted();
CREATE TRIGGER gone AFTER DELETE ON workspaces FOR EACH ROW EXECUTE FUNCTION workspace_noted();

ALTER TABLE workspaces
    ADD COLUMN generation bigint NOT NULL DEFAULT 0, -- changes / 16
    ADD COLUMN changes    bigint NOT NULL DEFAULT 0;
DO $$
DECLARE f record;
BEGIN
    FOR f IN SELECT c.conrelid::regclass AS referring, c.conname FROM pg_constraint c
             WHERE c.contype = 'f' AND c.confrelid = 'workspaces'::regclass ORDER BY 1, 2 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', f.referring, f.conname);
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (workspace_id) REFERENCES workspace_ids', f.referring, f.conname);
    END LOOP;
END $$;
ALTER TABLE workspaces DROP CONSTRAINT workspaces_pkey, ADD PRIMARY KEY (workspace_id, generation);
