-- Empties every table of a throw-away database, whatever tables there are; the schema stays.
DO $$
BEGIN
    EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(format('%I', relname), ', ')
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
          AND relname !~ 'yoyo'
    );
END $$
