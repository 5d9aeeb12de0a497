-- Sessions whose program stands still in the middle of a transaction.

-- name: end
-- A program sends the statements of a transaction one after the other, and PostgreSQL runs them as they come. One that is frozen between two
-- of them, or before it takes their rows (a stopped process, a paused machine), holds its locks for ever: PostgreSQL has a bound for a
-- statement that runs and for a transaction that is idle, and this is neither. Such a session is 'active' and waits for its client. A role
-- may end its own sessions, and sees no others' state.
-- $1 integer: seconds that it has waited for a statement
-- $2 integer: seconds since a statement began whose rows are not taken; longer than any statement may run
-- Gives the names of the programs' connections.
WITH stalled AS MATERIALIZED (
    SELECT a.pid, a.application_name FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.usename = current_user AND a.application_name LIKE 'usher-%'
      AND a.pid <> pg_backend_pid() AND a.state = 'active' AND a.xact_start IS NOT NULL
      AND a.state_change < now() - make_interval(secs => CASE a.wait_event WHEN 'ClientRead' THEN $1::int WHEN 'ClientWrite' THEN $2::int END)
)
SELECT s.application_name FROM stalled s WHERE pg_terminate_backend(s.pid);
