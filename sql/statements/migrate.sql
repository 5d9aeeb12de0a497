-- Bringing a database to the newest schema (sql/migrate.c).

-- part: ledger
-- What has run. The lock is held by the session until the end, so that one migrates at a time.
SELECT pg_advisory_lock(7000, 0);
CREATE SCHEMA IF NOT EXISTS usher;
CREATE TABLE IF NOT EXISTS usher.migrations (
    number int NOT NULL,
    name   text NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);

-- part: unlock
SELECT pg_advisory_unlock(7000, 0);

-- part: step
-- One migration. Whoever works on the tables waits behind it for its locks, for less than a request may take; where it does
-- not get them, it gives way and is tried again.
BEGIN;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '2s';
{text};
INSERT INTO usher.migrations (number, name) VALUES ({number}, '{name}');
COMMIT;

-- part: finish
-- The second half of 0021_newest.sql, once no program of a version before it stores anything. The key of users and rooms
-- ends with the generation, and nothing else looks at all versions of a row: not the constraints that refer to the old
-- key, and not the one on folded names. What they made sure of, the worker does, which holds the workspace's row: members
-- are of a room and a user who are there, logins go with their user, and a name is given once. This only swaps what is
-- there. It waits for nobody, because everybody would wait behind it.
BEGIN;
SET LOCAL lock_timeout = '3s';
DO $do$
BEGIN
    IF (SELECT indnatts FROM pg_index WHERE indexrelid = 'usher.users_pkey'::regclass) > 2 THEN
        RETURN;
    END IF;
    ALTER TABLE usher.members DROP CONSTRAINT members_workspace_id_room_id_fkey,
                              DROP CONSTRAINT members_workspace_id_user_id_fkey;
    ALTER TABLE usher.logins DROP CONSTRAINT logins_workspace_id_user_id_fkey;
    ALTER TABLE usher.users DROP CONSTRAINT users_workspace_id_user_name_key_key, DROP CONSTRAINT users_pkey,
                            ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_newest;
    ALTER TABLE usher.rooms DROP CONSTRAINT rooms_pkey, ADD CONSTRAINT rooms_pkey PRIMARY KEY USING INDEX rooms_newest;
END $do$;
UPDATE usher.applied_functions SET serves_from = 21 WHERE serves_from < 21;
COMMIT;

-- part: functions
-- All functions in their present text, in one transaction. First they are made in a schema of their own, to be compared:
-- CREATE OR REPLACE cannot change what a function takes or gives, and would leave one with other parameters beside the
-- new one. Those that differ are dropped, and those that are not wanted any more; all others are replaced, which keeps
-- them what they are to sessions that use them.
BEGIN;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '2s';
CREATE SCHEMA usher_next;
GRANT CREATE ON SCHEMA usher, usher_next TO usher_gate, usher_owner; -- who is given a function asks for that
SET LOCAL check_function_bodies = off;
SET LOCAL search_path = usher_next;
{text};
DO $do$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN
        SELECT o.oid::regprocedure FROM pg_proc o JOIN pg_roles w ON w.oid = o.proowner
        WHERE o.pronamespace = 'usher'::regnamespace AND w.rolname IN ('usher_gate', 'usher_owner')
          AND NOT EXISTS (
              SELECT FROM pg_proc n
              WHERE n.pronamespace = 'usher_next'::regnamespace AND n.proname = o.proname
                AND n.proargtypes = o.proargtypes AND n.prorettype = o.prorettype AND n.proretset = o.proretset
                AND (n.proallargtypes, n.proargmodes, n.proargnames) IS NOT DISTINCT FROM
                    (o.proallargtypes, o.proargmodes, o.proargnames)
                AND n.pronargdefaults >= o.pronargdefaults
          )
    LOOP
        EXECUTE format('DROP FUNCTION %s', f);
    END LOOP;
END $do$;
DROP SCHEMA usher_next CASCADE;
SET LOCAL check_function_bodies = on;
SET LOCAL search_path = usher;
{text};
REVOKE CREATE ON SCHEMA usher FROM usher_gate;
WITH before AS (DELETE FROM usher.applied_functions RETURNING serves_from)
INSERT INTO usher.applied_functions (hash, version, serves_from)
SELECT '{hash}', '{version}', greatest({serves_from}, coalesce(max(serves_from), 0)) FROM before;
COMMIT;

-- name: ledger_is_there
SELECT (to_regclass('usher.migrations') IS NOT NULL)::int;

-- name: finished
-- Is the second half done, too?
SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('usher.users_pkey') AND indnatts > 2;

-- name: at
-- Number of the newest migration that has run.
SELECT coalesce(max(number), 0) FROM usher.migrations;

-- name: functions_are
-- Are the functions these, or those of a newer version?
-- $1 text: hash of the functions
-- $2 text: version of the program
SELECT count(*) FROM usher.applied_functions
WHERE hash = $1 OR string_to_array(version, '.')::int[] > string_to_array($2, '.')::int[];

-- name: serves_from
-- The number of the oldest programs that are served.
SELECT coalesce(max(serves_from), 0) FROM usher.applied_functions;
