-- What a run leaves behind: how long its source waits, and why. Without a wait its next tick stands; one that an earlier
-- wait has put off comes back to the grid.
-- $1 source text, $2 seconds double precision (null: no wait), $3 parked boolean, $4 reason text, $5 failures int
UPDATE source_state SET
    next_run_at = CASE
        WHEN $2::double precision IS NULL THEN least(next_run_at, next_tick(source, interval_seconds, clock_timestamp()))
        ELSE clock_timestamp() + $2 * interval '1 second'
    END,
    is_parked = $3, reason = $4, failures = $5, updated_at = now()
WHERE source = $1
