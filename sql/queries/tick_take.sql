-- Takes what a source is due for, and moves its tick on; nothing where it is not due. Called under the lease, so that
-- nobody else takes the same. A request that was made meanwhile is served by the same run.
-- $1 source text
WITH due AS (
    SELECT
        s.source, s.requested_at,
        CASE
            WHEN s.next_run_at > clock_timestamp() THEN NULL
            -- a clock that was set back brings a tick for the second time
            WHEN EXISTS (SELECT FROM etl_run r WHERE r.source = s.source AND r.scheduled_for = s.next_run_at)
                THEN clock_timestamp()
            ELSE s.next_run_at
        END AS tick
    FROM source_state s
    WHERE s.source = $1 AND least(s.next_run_at, s.requested_at) <= clock_timestamp()
    FOR UPDATE
)
UPDATE source_state s SET
    requested_at = NULL,
    taken_at = CASE WHEN due.tick IS NULL THEN s.taken_at ELSE clock_timestamp() END,
    next_run_at = CASE
        WHEN due.tick IS NULL THEN s.next_run_at
        ELSE next_tick(s.phase, s.interval_seconds, clock_timestamp())
    END
FROM due
WHERE s.source = due.source
RETURNING due.tick AS scheduled_for, due.requested_at, s.failures
