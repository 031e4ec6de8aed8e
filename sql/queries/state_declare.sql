-- A source is run by this service, at this interval, from now on. It is due at once, unless a process runs it at this
-- moment: then a new interval moves its next tick.
-- $1 source text, $2 interval_seconds double precision
INSERT INTO source_state AS known (source, interval_seconds, next_run_at)
VALUES ($1, $2, now())
ON CONFLICT (source) DO UPDATE SET
    enabled = true, interval_seconds = excluded.interval_seconds, is_parked = false, is_binding = false,
    failures = 0, reason = NULL, updated_at = now(),
    next_run_at = CASE
        WHEN NOT EXISTS (SELECT FROM lease_held l WHERE l.source = known.source) THEN now()
        WHEN known.interval_seconds = excluded.interval_seconds THEN known.next_run_at
        ELSE next_tick(known.source, excluded.interval_seconds, clock_timestamp())
    END
