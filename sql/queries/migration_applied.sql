-- Which migrations the database has seen.
SELECT migration_id FROM _yoyo_migration
