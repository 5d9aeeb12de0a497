-- name: counts
-- Workspaces, workers that run, and slots of workers that died and were not cleared up. A worker holds its slot by an
-- advisory lock of its session (sql/ask/slots.h); a dirty slot without one is a dead worker's.
-- $1 oid: class of those locks
SELECT (SELECT count(*) FROM workspaces),
       (SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND classid = $1::oid AND objsubid = 2 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
       (SELECT count(*) FROM worker_slots s
        WHERE s.dirty AND NOT EXISTS (
            SELECT FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.classid = $1::oid AND l.objid::bigint = s.slot AND l.objsubid = 2
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ));

-- name: gaps
-- Places where the log had lost commands, the newest first.
SELECT partition, rfc3339(found), lost, settled IS NOT NULL FROM log_gaps ORDER BY found DESC LIMIT 20;
