-- Memberships as resources of their own (/GroupMemberships): when one was changed since it was made. NULL: never.
ALTER TABLE members ADD COLUMN modified timestamptz;
