-- Which programs are served: those that know the migration of this number, and later ones. So a version may be upgraded
-- while it runs: a program that finds a schema newer than itself asks here whether it may go on.
ALTER TABLE applied_functions ADD COLUMN serves_from int NOT NULL DEFAULT 0;
