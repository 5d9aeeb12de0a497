-- Events over HTTP (ops/DESIGN.md, "Deliveries"): the log, and who delivers from it.

-- name: begin_partition
-- Where a partition goes on. Whoever reads it first makes the row.
-- $1 text: topic
-- $2 integer: partition
-- $3 bigint: where the log begins
INSERT INTO delivery_offset (topic, partition, next) VALUES ($1, $2::int, $3::bigint) ON CONFLICT (topic, partition) DO NOTHING;

-- name: places
-- $1 text[]: topics
-- $2 integer[]: for each a partition
SELECT x.nth, o.next FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS x (topic, partition, nth)
JOIN delivery_offset o ON o.topic = x.topic AND o.partition = x.partition ORDER BY x.nth;

-- name: wanted
-- Which of these have endpoints.
-- $1 uuid[]: workspaces
SELECT DISTINCT workspace_id FROM deliveries WHERE workspace_id = ANY ($1::uuid[]);

-- name: lock
-- The same; nobody else adds to the log out of these partitions until the end of the transaction.
-- parameters as places
SELECT x.nth, o.next FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS x (topic, partition, nth)
JOIN delivery_offset o ON o.topic = x.topic AND o.partition = x.partition ORDER BY o.topic, o.partition FOR UPDATE OF o;

-- name: move
-- $1 text[]: topics
-- $2 integer[]: partitions
-- $3 bigint[]: for each where it goes on
UPDATE delivery_offset o SET next = x.next
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS x (topic, partition, next)
WHERE o.topic = x.topic AND o.partition = x.partition;

-- name: begin_again
-- The log has lost what stood at this place.
-- $1 text: topic
-- $2 integer: partition
-- $3 bigint: where it was
-- $4 bigint: where it goes on
UPDATE delivery_offset SET next = $4::bigint WHERE topic = $1 AND partition = $2::int AND next = $3::bigint;

-- name: take
-- Numbers the messages of workspaces that had endpoints at the time of the message, in the order given, and keeps them; signed heads of
-- the audit only where an endpoint names them, or the log would grow for nobody. Gives those workspaces.
-- $1 uuid[]: workspaces
-- $2 bigint[]: their records' times, microseconds since 1970
-- $3 text[]: types
-- $4 text[]: ce_id
-- $5 text[]: values
-- $6 uuid[]: the users that they are about; NULL: none
-- $7 text[]: their traceparents; NULL: none
WITH given AS (
    SELECT x.*, a.about FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $7::text[]) WITH ORDINALITY
         AS x (workspace_id, at, type, event, value, traceparent, nth)
    LEFT JOIN delivery_about($1::uuid[], $6::uuid[], $3::text[]) a ON a.nth = x.nth
    WHERE EXISTS (SELECT FROM deliveries d WHERE d.workspace_id = x.workspace_id AND (d.doc->>'created')::bigint <= x.at
                  AND (x.type <> 'usher.audit.checkpoint' OR delivery_wants(d.doc->'events', x.type)))
), heads AS (
    UPDATE delivery_heads h SET newest = h.newest + g.n
    FROM (SELECT workspace_id, count(*) AS n FROM given GROUP BY workspace_id) g
    WHERE h.workspace_id = g.workspace_id
    RETURNING h.workspace_id, h.newest - g.n AS before
), kept AS (
    INSERT INTO delivery_log (workspace_id, number, at, type, event, value, about, traceparent)
    SELECT g.workspace_id, h.before + row_number() OVER (PARTITION BY g.workspace_id ORDER BY g.nth), from_micros(g.at), g.type,
           g.event, g.value, g.about, g.traceparent
    FROM given g JOIN heads h USING (workspace_id)
    RETURNING workspace_id
)
SELECT workspace_id, count(*) FROM kept GROUP BY workspace_id;

-- name: days
-- $1 integer: days that are kept
SELECT delivery_days($1::int);

-- name: fill
-- $1 integer: users at most
SELECT delivery_fill($1::int);

-- name: poll
-- $1 uuid: workspace
-- $2 uuid: stream
-- $3 uuid: key
SELECT doc, cursor, newest, turn, version, done FROM delivery_poll($1::uuid, $2::uuid, $3::uuid);

-- name: poll_move
-- $1 uuid: workspace
-- $2 uuid: stream
-- $3 bigint: all messages up to this one are done
-- $4 text[]: tokens above it that are
-- $5 bigint: messages that the log had forgotten
-- $6 jsonb: what the receiver could not take
SELECT delivery_poll_move($1::uuid, $2::uuid, $3::bigint, $4::text[], $5::bigint, $6::jsonb);

-- name: poll_news
-- Which of these have got messages, or were changed, or have a key that is dead.
-- $1 uuid[]: workspaces
-- $2 uuid[]: streams
-- $3 bigint[]: the newest messages that were seen
-- $4 bigint[]: versions that were seen
SELECT x.nth FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS x (workspace_id, id, newest, version, nth)
LEFT JOIN delivery_heads h ON h.workspace_id = x.workspace_id
LEFT JOIN delivery_progress p ON p.workspace_id = x.workspace_id AND p.id = x.id
WHERE p.id IS NULL OR h.newest <> x.newest OR p.version <> x.version;

-- name: state
SELECT failing, disabled, waiting FROM delivery_state();

-- name: late
-- $1 integer: how many days messages are kept
-- $2 integer: rows at most
SELECT workspace_id, id, since, total FROM delivery_late($1::int, $2::int);

-- name: claim
-- $1 text: who delivers
-- $2 uuid[]: workspaces; NULL: all
-- $3 integer: endpoints at most
-- $4 integer: of one workspace
-- $5 integer: for how many seconds
SELECT workspace_id, id, doc, secrets, cursor, newest, turn, version, failures, failing_since, asked, is_due
FROM delivery_claim($1, $2::uuid[], $3::int, $4::int, $5::int);

-- name: messages
-- $1 uuid[]: workspaces
-- $2 uuid[]: endpoints
-- $3 bigint[]: how far they are
-- $4 bigint[]: what was asked for once more; 0: nothing
-- $5 integer: messages of each at most
-- $6 integer: bytes of each at most
SELECT id, number, is_asked, at, type, event, value, about
FROM delivery_messages($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::int, $6::int);

-- name: traces
-- $1 uuid[]: workspaces
-- $2 bigint[]: for each the number of a message
SELECT nth, traceparent FROM delivery_traces($1::uuid[], $2::bigint[]);

-- name: settle
-- $1 text: who delivers
-- $2 integer: for how many seconds it keeps those that go on
-- $3 uuid[]: workspaces
-- $4 uuid[]: endpoints
-- $5 bigint[]: their turns …
-- $6 bigint[]: … and versions, as they were claimed
-- $7 bigint[]: how far they are
-- $8 bigint[]: microseconds until the next try, after a failure
-- $9 integer[]: 1: the attempt has failed, 0: it went well, -1: neither changes anything
-- $10 bigint[]: messages that the log had forgotten
-- $11 bigint[]: what was asked for and is done; -1: nothing
-- $12 boolean[]: it is free again
-- $13 jsonb: the attempts
SELECT id, on_with, newest
FROM delivery_settle($1, $2::int, $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::int[], $10::bigint[],
                     $11::bigint[], $12::boolean[], $13::jsonb);

-- name: free_all
-- Whoever stops leaves its endpoints to others at once.
-- $1 text: who
SELECT delivery_free($1);
