-- The archive of usher.audit (ops/DESIGN.md, "The archive"): every record as it was, the hashes that prove it, signed heads, and what it
-- adds up to for each key. One role of a worker writes it, and never changes or deletes a record, a hash or a head.

-- How many days a workspace's records are kept. Hashes stay.
ALTER TABLE workspaces ADD COLUMN audit_days int NOT NULL DEFAULT 365 CHECK (audit_days BETWEEN 1 AND 36500);

-- A record. Tree 1 has the changes of a workspace, tree 2 its requests; n counts the leaves of a tree from 0. Requests with an unknown
-- credential, and records that nobody can read, stand in trees of the nil workspace, which are the operator's.
-- A table a day (functions/audit_day.sql); what comes where no day's table stands goes into audit_leaf_rest.
CREATE TABLE audit_leaf (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL CHECK (tree IN (1, 2)),
    n            bigint NOT NULL,
    at           timestamptz NOT NULL,     -- the record's own time
    bytes        bytea COMPRESSION lz4 NOT NULL, -- the value of the Kafka record, byte for byte: what the leaf's hash is made of
    event        text NOT NULL,            -- ce_id
    epoch        bigint,                   -- of a change
    seq          bigint NOT NULL,          -- of a change its seq, of a request the n of its instance
    txn          uuid,
    actor_kind   text,                     -- key, owner, operator, system …; of a request key or owner
    actor_id     uuid,
    actor_name   text,
    action       text,                     -- of a change; of a request, target and subject are the room and the user in its path
    outcome      text,
    reason       text,
    target_type  text,
    target_id    uuid,
    target_name  text,
    subject_id   uuid,
    subject_name text,
    method       text,                     -- of a request, and so are all that follow
    path         text,
    status       smallint,
    error        text,                     -- code and sentence of the answer
    detail       text,
    source       text,
    user_agent   text,
    rate_limited boolean NOT NULL DEFAULT false,
    duration_us  bigint,
    PRIMARY KEY (workspace_id, tree, n, at)
) PARTITION BY RANGE (at);
CREATE INDEX audit_leaf_by_time ON audit_leaf (workspace_id, at);
CREATE INDEX audit_leaf_by_txn ON audit_leaf (workspace_id, txn);
CREATE INDEX audit_leaf_by_actor ON audit_leaf (workspace_id, actor_id, at);
CREATE INDEX audit_leaf_by_target ON audit_leaf (workspace_id, target_id, at) WHERE target_id IS NOT NULL;
CREATE INDEX audit_leaf_by_subject ON audit_leaf (workspace_id, subject_id, at) WHERE subject_id IS NOT NULL;
CREATE TABLE audit_leaf_rest PARTITION OF audit_leaf DEFAULT;

-- The hash of a complete subtree (RFC 6962): node (level, index) covers the leaves from index * 2^level on, 2^level of them. Level 0 is the
-- leaf's own. Written once, and kept when the records go.
CREATE TABLE audit_node (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL,
    level        smallint NOT NULL,
    index        bigint NOT NULL,
    hash         bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (workspace_id, tree, level, index)
);
ALTER TABLE audit_node ALTER COLUMN hash SET STORAGE PLAIN;

-- The head of a tree: its size is the n of the next leaf.
CREATE TABLE audit_tree (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL,
    partition    int NOT NULL,
    size         bigint NOT NULL,
    first_seq    bigint,                   -- of changes: of leaf 0. More than 1: the topic had lost what was before
    epoch        bigint,                   -- … and of the newest leaf
    seq          bigint,
    signed_size  bigint NOT NULL DEFAULT 0,
    signed_at    timestamptz,
    stopped      text,                     -- nothing is added any more: why
    stopped_at   timestamptz,
    refused      text,                     -- nothing is signed any more: why
    refused_at   timestamptz,
    PRIMARY KEY (workspace_id, tree)
) WITH (fillfactor = 50);
CREATE INDEX audit_tree_unsigned ON audit_tree (partition) WHERE size > signed_size;

-- Records of a tree that has stopped, in the order in which they came, until somebody has decided.
CREATE TABLE audit_aside (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL,
    partition    int NOT NULL,
    place        bigint NOT NULL,          -- offset in usher.audit
    event        text NOT NULL,
    bytes        bytea COMPRESSION lz4 NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, tree, partition, place)
);

-- Numbers that are missing before leaf n, where somebody has accepted that (or a trial broker has forgotten them).
CREATE TABLE audit_gap (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL,
    n            bigint NOT NULL,
    epoch        bigint NOT NULL,          -- of leaf n
    seq          bigint NOT NULL,
    before_epoch bigint NOT NULL,          -- of the leaf before
    before_seq   bigint NOT NULL,
    why          text NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, tree, n)
);

-- Signed heads (C2SP tlog-checkpoint), the text as it is on usher.checkpoints.
CREATE TABLE audit_checkpoint (
    workspace_id uuid NOT NULL,
    tree         smallint NOT NULL,
    size         bigint NOT NULL,
    root         bytea NOT NULL CHECK (length(root) = 32),
    note         text NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, tree, size)
);

-- Public keys (Ed25519) of those who sign or have signed heads. The installation's, as is the next table.
CREATE TABLE audit_keys (
    public_key bytea PRIMARY KEY CHECK (length(public_key) = 32),
    created    timestamptz NOT NULL DEFAULT now()
);

-- Where the archive goes on in usher.audit. It moves in the transaction of the rows before it.
CREATE TABLE audit_offset (
    partition int PRIMARY KEY,
    next      bigint NOT NULL,
    recheck   bigint NOT NULL DEFAULT 0,   -- records before this offset may be there already: the log has begun anew
    at        timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- What the requests of a key add up to, for each minute, hour and day. The nil key: none was known.
CREATE TABLE activity_minute (
    workspace_id uuid NOT NULL,
    key_id       uuid NOT NULL,
    at           timestamptz NOT NULL,     -- its beginning
    requests     bigint NOT NULL,          -- HTTP requests
    operations   bigint NOT NULL,          -- what they asked for: of a Bulk its operations
    writes       bigint NOT NULL,          -- not GET, HEAD, OPTIONS or a search
    ok           bigint NOT NULL,          -- 1xx, 2xx
    redirected   bigint NOT NULL,          -- 3xx
    refused      bigint NOT NULL,          -- 4xx but 429
    limited      bigint NOT NULL,          -- 429
    failed       bigint NOT NULL,          -- 5xx
    superseded   bigint NOT NULL,          -- records that take an earlier one back, whose request is counted once
    latency      bigint[] NOT NULL,        -- 20 of them: requests that took less than 2^(i+7) us; the last: all others
    bytes_in     bigint NOT NULL,
    bytes_out    bigint NOT NULL,
    first_use    timestamptz NOT NULL,
    last_use     timestamptz NOT NULL,
    last_write   timestamptz,
    PRIMARY KEY (workspace_id, key_id, at)
) WITH (fillfactor = 70);
CREATE INDEX ON activity_minute (at);
CREATE TABLE activity_hour (LIKE activity_minute INCLUDING ALL) WITH (fillfactor = 50);
CREATE TABLE activity_day (LIKE activity_minute INCLUDING ALL) WITH (fillfactor = 50);

-- From where a key is used.
CREATE TABLE activity_source (
    workspace_id uuid NOT NULL,
    key_id       uuid NOT NULL,
    source       text NOT NULL,
    requests     bigint NOT NULL,
    first_use    timestamptz NOT NULL,
    last_use     timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, key_id, source)
) WITH (fillfactor = 70);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['audit_leaf', 'audit_leaf_rest', 'audit_node', 'audit_tree', 'audit_aside', 'audit_gap', 'audit_checkpoint',
                             'audit_keys', 'audit_offset', 'activity_minute', 'activity_hour', 'activity_day', 'activity_source'] LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO usher_owner', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY keeper ON %I TO usher_owner USING (true) WITH CHECK (true)', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['audit_leaf', 'audit_node', 'audit_tree', 'audit_aside', 'audit_gap', 'audit_checkpoint',
                             'activity_minute', 'activity_hour', 'activity_day', 'activity_source'] LOOP
        EXECUTE format($p$CREATE POLICY tenant ON %I TO usher_ingest, usher_worker
            USING ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)
            WITH CHECK ((workspace_id = ANY ((SELECT nullif(current_setting('usher.workspace', true), ''))::uuid[])) IS TRUE)$p$, t);
    END LOOP;
END $$;
CREATE POLICY keeper ON workspaces TO usher_owner USING (true) WITH CHECK (true); -- functions/audit_keep.sql asks how long each keeps them
CREATE POLICY worker ON audit_offset TO usher_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON audit_leaf, audit_node, audit_checkpoint, audit_aside, audit_gap TO usher_worker;
GRANT SELECT, INSERT, UPDATE ON audit_tree, audit_offset, activity_minute, activity_hour, activity_day, activity_source TO usher_worker;
GRANT SELECT ON audit_leaf, audit_node, audit_tree, audit_gap, audit_checkpoint, activity_minute, activity_hour, activity_day,
    activity_source TO usher_ingest;
