-- What a run leaves behind: how long its source waits, and why. Without a wait its next tick stands; one that an earlier
-- wait has put off comes back to the grid.
-- $1 source text, $2 seconds double precision (null: no wait), $3 parked boolean, $4 binding boolean, $5 reason text,
-- $6 failures int
UPDATE source_state SET
    next_run_at = CASE
        WHEN $2::double precision IS NOT NULL THEN clock_timestamp() + $2 * interval '1 second'
        WHEN enabled THEN least(next_run_at, next_tick(source, interval_seconds, clock_timestamp()))
    END,
    is_parked = $3, is_binding = $4, reason = $5, failures = $6, updated_at = now()
WHERE source = $1
