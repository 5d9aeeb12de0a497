-- Workspaces as a unit of work stores and counts them. Their settings are columns of the settings' table
-- (schemas/api/workspace_settings.c), which the C code puts in (sql/unit/postgres_workspace.c). The row of a workspace is
-- the newest of its generations (migrations/0007_counters.sql says why); it is locked since the unit has loaded it.

-- part: insert
-- $1 uuid: workspace
-- $2 …: the settings
INSERT INTO workspaces (workspace_id, {settings})
VALUES ($1, {values});

-- part: update
-- $1 uuid: workspace
-- $2 …: the settings
UPDATE workspaces
SET modified = now(), {assignments}
WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM workspaces t WHERE t.workspace_id = $1::uuid ORDER BY t.generation DESC LIMIT 1
));

-- name: counters
-- $1 uuid: workspace
-- $2 bigint: seats in use
-- $3 bigint: last number of usher.membership
-- $4 bigint: last number of usher.audit
-- $5 bigint: last number of usher.events
-- $6 bigint: users made, less those deleted
-- $7 bigint: rooms made, less those deleted
UPDATE workspaces
SET seats_used = $2::bigint, membership_seq = $3::bigint, audit_seq = $4::bigint, events_seq = $5::bigint,
    users_total = users_total + $6::bigint, rooms_total = rooms_total + $7::bigint,
    changes = changes + 1, generation = (changes + 1) / 16
WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM workspaces t WHERE t.workspace_id = $1::uuid ORDER BY t.generation DESC LIMIT 1
));

-- name: name_free
-- $1 text: name of a workspace
SELECT workspace_name_free($1);

-- name: count_users
-- $1 uuid: workspace
SELECT count(*) FROM users WHERE workspace_id = $1::uuid AND active;

-- name: count_members
-- $1 uuid: workspace
SELECT count(*) FROM members WHERE workspace_id = $1::uuid AND NOT held;

-- name: count_keys
-- Those that are not revoked.
-- $1 uuid: workspace
SELECT count(*) FROM keys WHERE workspace_id = $1::uuid AND revoked IS NULL;

-- name: recount_seats
-- Gives the next users the seat that the mode now grants, and takes it from the others. How many of them have one, how
-- many they were, and the last of them.
-- $1 uuid: workspace
-- $2 boolean: a seat begins with the first login
-- $3 uuid: the user behind whom they begin
-- $4 bigint: how many at most
WITH page AS MATERIALIZED (
    SELECT t.ctid AS place, t.id, t.seat, t.active AND (
        NOT $2::bool OR
        EXISTS (SELECT FROM logins l WHERE l.workspace_id = $1::uuid AND l.user_id = t.id)
    ) AS due
    FROM users t WHERE t.workspace_id = $1::uuid AND t.id > $3::uuid
    ORDER BY t.id LIMIT $4::bigint
),
changed AS (
    UPDATE users SET seat = NOT seat WHERE ctid = ANY (ARRAY(SELECT place FROM page WHERE seat <> due))
)
SELECT count(*) FILTER (WHERE due), count(*), (SELECT id FROM page ORDER BY id DESC LIMIT 1) FROM page;
