-- Partitions and their outbox (ops/DESIGN.md, "Emitting").

-- name: append
-- $1 integer: partition
-- $2 bigint: epoch of whoever adds it
-- $3 bigint: number of the row
-- $4 bytea: records; NULL: no row
SELECT outbox_append($1::int, $2::bigint, $3::bigint, $4::bytea);

-- name: take
-- A row for each partition, in their order.
-- $1 integer[]: partitions
SELECT partition, epoch, from_offset, mark, positions, last FROM partition_take($1::int[]);

-- name: from_offset
-- Commands before this offset were emitted by a version before.
-- $1 integer: partition
-- $2 bigint: offset
UPDATE partitions SET from_offset = greatest(from_offset, $2::bigint) WHERE partition = $1::int;

-- name: mark
-- Rows up to these numbers are emitted. Whoever was slow changes nothing.
-- $1 integer[]: partitions
-- $2 bigint[]: numbers
-- $3 text[]: for each, where the topics go on behind it, as JSON
INSERT INTO marks AS m (partition, mark, positions)
SELECT a.partition, a.mark, a.positions::jsonb FROM unnest($1::int[], $2::bigint[], $3::text[]) AS a (partition, mark, positions)
ON CONFLICT (partition) DO UPDATE
SET mark = greatest(m.mark, EXCLUDED.mark), positions = m.positions || EXCLUDED.positions;

-- name: rows
-- The next rows of a partition, the first one and as many as have so many bytes together; and how long they have waited, in microseconds.
-- $1 integer: partition
-- $2 bigint: number before them
-- $3 bigint: number of the last one
-- $4 bigint: bytes
SELECT number, (extract(epoch FROM now() - at) * 1000000)::bigint, records
FROM (SELECT n.*, sum(length(n.records)) OVER (ORDER BY n.number) - length(n.records) AS before
      FROM (SELECT o.number, o.at, o.records FROM outbox o
            WHERE o.partition = $1::int AND o.number > $2::bigint AND o.number <= $3::bigint
            ORDER BY o.number LIMIT 512) n) b
WHERE before <= $4::bigint
ORDER BY number;

-- name: days
SELECT outbox_days();
