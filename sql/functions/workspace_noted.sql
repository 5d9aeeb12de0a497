-- Notes the id of a new workspace where it can be there only once, and which others refer to. The key of the table workspaces
-- cannot see to that: it ends with a generation.
CREATE OR REPLACE FUNCTION workspace_noted() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO workspace_ids (workspace_id) VALUES (NEW.workspace_id);
        RETURN NEW;
    END IF;
    DELETE FROM workspace_ids i WHERE i.workspace_id = OLD.workspace_id;
    RETURN NULL;
END $$;

ALTER FUNCTION workspace_noted OWNER TO usher_owner;
REVOKE ALL ON FUNCTION workspace_noted FROM PUBLIC, usher_ingest, usher_worker;
