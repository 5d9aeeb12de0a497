-- What usherctl doctor asks of PostgreSQL.

-- name: server
-- Version, time in us, and what usher's promises rest on. The folder is null for who may not see it.
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
       current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on', current_setting('synchronous_commit'),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int, pg_size_pretty(pg_database_size(current_database())),
       CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'MEMBER') THEN current_setting('data_directory') END;

-- name: transactions
-- The oldest transaction of another session that keeps old versions of rows, in seconds, and who that is. And how many
-- are prepared and not ended.
SELECT coalesce(extract(epoch FROM now() - min(xact_start)), 0)::bigint,
       coalesce((array_agg(application_name || ', pid ' || pid ORDER BY xact_start))[1], ''),
       (SELECT count(*) FROM pg_prepared_xacts)
FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND xact_start IS NOT NULL AND pid <> pg_backend_pid();

-- name: replication_slots
-- Slots of stand-bys and of logical readers, with the bytes of WAL that each keeps.
SELECT slot_name, active,
       CASE WHEN pg_is_in_recovery() THEN 0 ELSE coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0) END::bigint
FROM pg_replication_slots ORDER BY 3 DESC;

-- name: replicas
-- Who follows, and how many bytes of WAL each has not replayed; NULL where this role may not see it.
SELECT application_name, coalesce(host(client_addr), 'here'), coalesce(state, ''), coalesce(sync_state, ''),
       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint
FROM pg_stat_replication ORDER BY 5 DESC NULLS LAST, 1;

-- name: synchronous
-- The setting, and whether anybody is there whom a commit could wait for.
SELECT current_setting('synchronous_standby_names'),
       EXISTS (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')),
       pg_has_role(current_user, 'pg_read_all_stats', 'MEMBER');

-- name: outbox
-- Rows that are not known to be emitted, and the age of the oldest in seconds.
SELECT count(*), coalesce(extract(epoch FROM now() - min(o.at)), 0)::bigint
FROM outbox o LEFT JOIN marks m ON m.partition = o.partition WHERE o.number > coalesce(m.mark, 0);

-- name: state
-- Workspaces of an epoch that is half begun; trees that have stopped, and that are not signed; gaps of the log that are
-- not settled; rows whose txn has an odd time.
SELECT (SELECT count(*) FROM new_epochs), (SELECT count(*) FROM audit_tree WHERE stopped IS NOT NULL),
       (SELECT count(*) FROM audit_tree WHERE refused IS NOT NULL), (SELECT count(*) FROM log_gaps WHERE settled IS NULL),
       (SELECT count(*) FROM (SELECT FROM command_log_rest LIMIT 1000) r);

-- name: places
-- How far the archive and the deliveries are: topic, partition, next offset.
SELECT 'usher.audit', partition, next FROM audit_offset
UNION ALL SELECT topic, partition, next FROM delivery_offset;
