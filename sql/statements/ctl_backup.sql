-- usherctl backup.

-- name: role
-- The statement that makes the role for backups, or gives it what it lacks, and the one that lets it read.
-- $1 text: its name
-- $2 text: its password
SELECT format('%s ROLE %I LOGIN BYPASSRLS PASSWORD %L',
              CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = $1::text) THEN 'ALTER' ELSE 'CREATE' END, $1, $2::text),
       format('GRANT pg_read_all_data TO %I', $1);

-- name: sees_all
-- Who asks, and may that role read every row?
SELECT current_user, coalesce((SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user), false),
       pg_has_role(current_user, 'pg_read_all_data', 'MEMBER') OR
       coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false),
       current_setting('server_version_num')::int / 10000;
