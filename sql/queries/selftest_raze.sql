-- Takes a throw-away database back to what it was before its first migration.
DO $$
BEGIN
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public;
END $$
