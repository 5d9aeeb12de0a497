-- A way on for trees that have stopped or are not signed any more (functions/audit_resume.sql), and fewer old heads
-- (functions/audit_keep.sql).
ALTER TABLE audit_tree
    ADD COLUMN origin     int NOT NULL DEFAULT 1, -- under which of its names heads are signed: 2 is HOST/audit/WORKSPACE/TREE/2
    ADD COLUMN resumes    text,                   -- somebody accepts that numbers are missing behind resume_seq: why. The archive does the rest
    ADD COLUMN resume_seq bigint;
ALTER TABLE audit_checkpoint
    ADD COLUMN origin int NOT NULL DEFAULT 1,
    ADD COLUMN step   smallint NOT NULL DEFAULT 0; -- 1: the last of its hour, 2: of its day
ALTER TABLE audit_checkpoint DROP CONSTRAINT audit_checkpoint_pkey, ADD PRIMARY KEY (workspace_id, tree, origin, size);
CREATE INDEX audit_checkpoint_fresh ON audit_checkpoint (at) WHERE step = 0;
CREATE INDEX audit_checkpoint_hourly ON audit_checkpoint (at) WHERE step = 1;
GRANT DELETE ON audit_aside TO usher_worker; -- what stands in a tree now
