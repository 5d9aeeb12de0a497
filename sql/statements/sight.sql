-- What operators look at, of all workspaces (sql/ask/sight.h).

-- name: seats
-- $1 integer: from so many seats taken of a hundred on a workspace counts as full
-- $2 integer: how many of the fullest are named
SELECT all_used, all_limit, crowded, workspace_id, name, used, seats_limit FROM sight_seats($1::int, $2::int);

-- name: credentials
-- $1 integer: days
SELECT kind, many, soonest, workspace, name FROM sight_credentials($1::int);
