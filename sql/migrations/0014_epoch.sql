-- Numbers of a workspace's streams are gapless within an epoch (schemas/README.md, section 4). The first is 1; a restore of an older
-- state begins the next.
ALTER TABLE workspaces ADD COLUMN epoch bigint NOT NULL DEFAULT 1;
