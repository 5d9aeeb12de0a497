-- The last statement of a worker's transaction, for each partition whose commands are in it: adds a row of records, if there are any.
-- Whoever has lost the partition is refused. It says so where nothing is to be added too: the former owner then hears of rows that
-- another has added. The lock is the last one that the transaction takes, and is held for the commit alone; the epoch is read after it.
CREATE OR REPLACE FUNCTION outbox_append(v_partition int, v_epoch bigint, v_number bigint, v_records bytea) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7003, v_partition);
    IF NOT EXISTS (SELECT FROM partitions p WHERE p.partition = v_partition AND p.epoch = v_epoch) THEN
        RAISE EXCEPTION 'Partition % was taken by another', v_partition USING ERRCODE = 'UF001';
    END IF;
    IF v_records IS NOT NULL THEN
        INSERT INTO outbox (partition, number, records) VALUES (v_partition, v_number, v_records);
    END IF;
END $$;

ALTER FUNCTION outbox_append OWNER TO usher_gate;
REVOKE ALL ON FUNCTION outbox_append FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION outbox_append TO usher_worker;
