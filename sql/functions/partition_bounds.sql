-- The partitions of a table that is partitioned by txn: the least txn of each (NULL: it has no beginning), and the one before which it
-- ends. Without the partition for the rest.
CREATE OR REPLACE FUNCTION partition_bounds(v_table text) RETURNS TABLE (name text, lower uuid, upper uuid)
LANGUAGE sql STABLE AS $$
    SELECT c.relname, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([0-9a-f-]{36})''\)')::uuid,
           substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([0-9a-f-]{36})''\)')::uuid
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = v_table::regclass AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
$$;

ALTER FUNCTION partition_bounds OWNER TO usher_owner;
REVOKE ALL ON FUNCTION partition_bounds FROM PUBLIC, usher_ingest, usher_worker;
