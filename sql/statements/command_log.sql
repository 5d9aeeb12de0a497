-- Commands by their txn: claimed, cancelled, applied (functions/command_*.sql).

-- name: cancel
-- $1 uuid: workspace
-- $2 uuid: txn
SELECT won, outcome
FROM command_cancel($1::uuid, $2::uuid);

-- name: cancel_many
-- $1 uuid[]: workspaces
-- $2 uuid[]: a txn of each
SELECT n, won, outcome
FROM command_cancel_many($1::uuid[], $2::uuid[]);

-- name: find
-- $1 uuid: workspace
-- $2 uuid: txn
SELECT known, outcome
FROM command_outcome($1::uuid, $2::uuid);

-- name: outcomes
-- One row for each txn, in their order.
-- $1 uuid: workspace
-- $2 uuid[]: txns
SELECT known, records
FROM command_outcomes($1::uuid, $2::uuid[]);

-- name: prune
-- Forgets commands, some thousands at a time. The number of those forgotten.
-- $1 interval: the age from which on
SELECT command_prune(now() - $1::interval, 5000);

-- name: prune_bulks
-- Forgets how Bulks went.
-- $1 interval: the age from which on
SELECT bulk_prune(now() - $1::interval);
