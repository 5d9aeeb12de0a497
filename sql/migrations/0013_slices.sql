-- Large commands in slices (ops/DESIGN.md, "Slices"). A row is what is left to do of a command that is decided: at most one a workspace,
-- whose later commands wait until it is gone.
CREATE TABLE slices (
    workspace_id uuid PRIMARY KEY REFERENCES workspace_ids,
    txn          uuid NOT NULL,
    partition    int NOT NULL,          -- of usher.commands: its owner goes on with it
    work         json NOT NULL,         -- what each slice needs to know: workers/apply/plan.h
    hidden_room  uuid,                  -- a room that no door shows any more, nor its members, while their rows still stand
    hidden_user  uuid,                  -- a user whom no door shows in any room any more …
    user_gone    boolean NOT NULL,      -- … nor at all
    removes      uuid[] NOT NULL,       -- users: first these leave the room, …
    adds         uuid[] NOT NULL,       -- … then these come
    unknown      text[] NOT NULL,       -- … and these are told to be unknown
    done         bigint NOT NULL,       -- the cursor: so many of these lists, one behind the other, …
    after        uuid NOT NULL,         -- … or all rows up to this id
    counted      bigint NOT NULL,       -- what was counted so far (seats)
    at           timestamptz NOT NULL DEFAULT now()
);
-- Ids do not compress.
ALTER TABLE slices ALTER COLUMN removes SET STORAGE EXTERNAL, ALTER COLUMN adds SET STORAGE EXTERNAL;

ALTER TABLE slices OWNER TO usher_owner;
ALTER TABLE slices ENABLE ROW LEVEL SECURITY;
ALTER TABLE slices FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON slices TO usher_ingest, usher_worker
    USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
    WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE);
CREATE POLICY gate ON slices TO usher_gate USING (true) WITH CHECK (true);

GRANT SELECT (workspace_id, hidden_room, hidden_user, user_gone) ON slices TO usher_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON slices TO usher_worker;
GRANT SELECT (workspace_id, txn, partition) ON slices TO usher_gate;

-- What is hidden is hidden at every door: no statement of the ingest sees the rows, whatever it asks. The sub-selects are evaluated once
-- per statement, not once per row.
DO $$
DECLARE
    here text := $q$FROM slices s WHERE s.workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])$q$;
    shown text := 'CREATE POLICY shown ON %I AS RESTRICTIVE FOR SELECT TO usher_ingest USING (%s)';
    room text := 'ARRAY(SELECT s.hidden_room ' || here || ' AND s.hidden_room IS NOT NULL)';
    member text := 'ARRAY(SELECT s.hidden_user ' || here || ' AND s.hidden_user IS NOT NULL)';
BEGIN
    EXECUTE format(shown, 'rooms', 'id <> ALL (' || room || ')');
    EXECUTE format(shown, 'users', 'id <> ALL (ARRAY(SELECT s.hidden_user ' || here || ' AND s.user_gone))');
    EXECUTE format(shown, 'members', 'room_id <> ALL (' || room || ') AND user_id <> ALL (' || member || ')');
END $$;
