-- A worker takes partitions: from now on those who had them are refused (outbox_append). The same worker takes them again too, as a
-- commit of its own may still be under way. What stands in the outbox is read after that, so that no late row is missed.
CREATE OR REPLACE FUNCTION partition_take(v_partitions int[])
RETURNS TABLE (partition int, epoch bigint, from_offset bigint, mark bigint, positions text, last bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE v_partition int;
BEGIN
    FOR v_partition IN SELECT x FROM unnest(v_partitions) AS x ORDER BY x LOOP
        PERFORM pg_advisory_xact_lock(7003, v_partition);
        INSERT INTO partitions AS p (partition, epoch) VALUES (v_partition, 1)
        ON CONFLICT (partition) DO UPDATE SET epoch = p.epoch + 1;
        RETURN QUERY
        SELECT p.partition, p.epoch, p.from_offset, coalesce(m.mark, 0), coalesce(m.positions::text, '{}'),
               coalesce((SELECT max(o.number) FROM outbox o WHERE o.partition = v_partition), 0)
        FROM partitions p LEFT JOIN marks m ON m.partition = p.partition
        WHERE p.partition = v_partition;
    END LOOP;
END $$;

ALTER FUNCTION partition_take OWNER TO usher_gate;
REVOKE ALL ON FUNCTION partition_take FROM PUBLIC, usher_ingest, usher_worker;
GRANT EXECUTE ON FUNCTION partition_take TO usher_worker;
