-- Takes a source if nobody holds it: never held, expired, or held by a session that has ended. Answers the new fence.
-- $1 source text, $2 owner text, $3 seconds double precision
INSERT INTO source_lease AS held (source, owner, fence, expires_at, backend_pid, backend_start)
SELECT $1, $2, 1, clock_timestamp() + $3 * interval '1 second', pid, backend_start
FROM pg_stat_activity
WHERE pid = pg_backend_pid()
ON CONFLICT (source) DO UPDATE SET
    owner = excluded.owner, fence = held.fence + 1, run_id = NULL, expires_at = excluded.expires_at,
    backend_pid = excluded.backend_pid, backend_start = excluded.backend_start
WHERE held.expires_at < clock_timestamp()
   OR NOT session_lives(held.backend_pid, held.backend_start)
RETURNING fence
