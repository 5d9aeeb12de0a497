-- Functions are no part of migrations: sql/functions has each in its present text, and all of them are applied whenever that
-- text is another one than before. One row: what was applied last, and by which version.
CREATE TABLE applied_functions (
    hash    text NOT NULL,
    version text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
