-- Managed means managed (the setting managedLock): what an identity provider manages is not changed through the Management API.
ALTER TABLE workspaces ADD COLUMN managed_lock boolean NOT NULL DEFAULT false;

-- The key through which the provider has made it, or has written it last; NULL: nobody's, or not known.
ALTER TABLE users ADD COLUMN managed_by uuid;
ALTER TABLE rooms ADD COLUMN managed_by uuid;
