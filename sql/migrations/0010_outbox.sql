-- The way from PostgreSQL to the streams: records wait in the outbox, numbered per partition (ops/DESIGN.md, "Emitting").
-- These tables are the installation's, like worker_slots: no tenant's data stands in a key.

-- Who has taken a partition last. A row changes only then, because every transaction of a worker reads it.
CREATE TABLE partitions (
    partition   int PRIMARY KEY,
    epoch       bigint NOT NULL,           -- counts those who took it
    from_offset bigint NOT NULL DEFAULT 0  -- records that command_log still holds (of versions before) went out for commands before this one
) WITH (fillfactor = 50);

-- Up to where a partition's rows are known to be emitted, and where in the topics what follows them begins. Written once a second.
CREATE TABLE marks (
    partition int PRIMARY KEY,
    mark      bigint NOT NULL,
    positions jsonb NOT NULL               -- topic: offset
) WITH (fillfactor = 50);

-- What PostgreSQL transactions put on the streams: of each its records of one partition, whole (schemas/stream/row.h). A table a day
-- (functions/outbox_days.sql), which goes when all of it is emitted; what comes where no day's table stands goes into outbox_rest.
CREATE TABLE outbox (
    partition int NOT NULL,
    number    bigint NOT NULL,             -- without gaps
    at        timestamptz NOT NULL DEFAULT now(),
    records   bytea COMPRESSION lz4 NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX outbox_by_number ON outbox (partition, number);
CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT;
ALTER TABLE outbox_rest ALTER COLUMN records SET COMPRESSION lz4;

-- What is asked for by txn later: the event of the outcome of an asynchronous command, in the form of schemas/stream/record_store.c.
-- origin_partition, origin_offset and records are written no more, and read only of commands of versions before.
ALTER TABLE command_log ADD COLUMN event text COMPRESSION lz4;
GRANT UPDATE (records) ON command_log TO usher_worker;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['partitions', 'marks', 'outbox', 'outbox_rest'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY worker ON %I TO usher_worker, usher_owner USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE ON partitions, marks TO usher_worker;
GRANT SELECT, INSERT ON outbox TO usher_worker;
