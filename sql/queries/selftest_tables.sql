-- The tables that hold something, partitions in the place of what they are parts of.
SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
