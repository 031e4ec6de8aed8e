-- The schema as lines of text: every column, index, constraint and function.
SELECT format('%s.%s %s %s', table_name, column_name, data_type, is_nullable) AS line
FROM information_schema.columns WHERE table_schema = 'public' AND table_name !~ 'yoyo'
UNION ALL
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename !~ 'yoyo'
UNION ALL
SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text !~ 'yoyo'
UNION ALL
SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
