-- A third strictness, which is the interoperability profile; and workspaces in which users have no password.
ALTER TABLE workspaces
    DROP CONSTRAINT workspaces_strictness_check,
    ADD CONSTRAINT workspaces_strictness_check CHECK (strictness IN ('standard', 'strict', 'interop')),
    ADD COLUMN passwords boolean NOT NULL DEFAULT true;
