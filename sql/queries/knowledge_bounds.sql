-- From which moment on it can be told what was known, what time it is, and whether what was known at a moment is final.
-- It is once every transaction that began up to then has ended. One that has not written yet cannot be told from one
-- that reads; it writes within seconds, or is ended as idle.
-- $1 moment timestamptz, $2 interval: those seconds
SELECT
    since, clock_timestamp() AS now,
    $1 < clock_timestamp() - $2::interval AND NOT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE datname = current_database()
          AND (
              backend_type = 'client backend' AND backend_xid IS NOT NULL AND xact_start <= $1
              OR query = '<insufficient privilege>'
          )
    ) AS is_final
FROM knowledge
