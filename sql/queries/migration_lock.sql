-- Whether this session now holds the lock of those who migrate.
SELECT pg_try_advisory_lock(hashtext('kasparro migrations'))
