-- What a run leaves behind: how long its source waits, and why. Without a wait its next tick stands; one that a failure
-- has put off comes back to the grid.
-- $1 source text, $2 seconds double precision (null: no wait), $3 parked boolean, $4 reason text, $5 failures int
UPDATE source_state SET
    next_run_at = CASE
        WHEN $2::double precision IS NOT NULL THEN clock_timestamp() + $2 * interval '1 second'
        WHEN failures = 0 AND NOT is_parked THEN next_run_at
        ELSE least(next_run_at, next_tick(phase, interval_seconds, clock_timestamp()))
    END,
    is_parked = $3, reason = $4, failures = $5, updated_at = now()
WHERE source = $1
