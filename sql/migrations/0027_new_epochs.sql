-- A new epoch that is being begun (usherctl restore, usherctl rooms rebuild; schemas/README.md, section 4): the workspaces that the streams
-- were not told of yet. While a row stands here, no worker starts a partition; whoever runs the command again goes on with what is left.
CREATE TABLE new_epochs (
    workspace    uuid PRIMARY KEY,         -- of this database, or one that the streams alone know
    partition    int NOT NULL,
    epoch        bigint NOT NULL,
    reason       text NOT NULL,
    was_epoch    bigint NOT NULL,          -- the last numbers that the tables knew
    was          bigint[] NOT NULL,        -- of usher.membership, usher.events, usher.audit
    first        bigint[] NOT NULL         -- those of usher.stream.epoch
);
ALTER TABLE new_epochs OWNER TO usher_owner;
ALTER TABLE new_epochs ENABLE ROW LEVEL SECURITY;
ALTER TABLE new_epochs FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON new_epochs TO usher_worker, usher_owner USING (true) WITH CHECK (true);
GRANT SELECT ON new_epochs TO usher_worker;
