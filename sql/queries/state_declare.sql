-- A source is run by this service, at this interval, from now on; only a wait that the vendor asked for outlives the
-- last process.
-- $1 source text, $2 interval_seconds double precision
INSERT INTO source_state AS known (source, interval_seconds, next_run_at)
VALUES ($1, $2, now())
ON CONFLICT (source) DO UPDATE SET
    enabled = true, interval_seconds = excluded.interval_seconds, is_parked = false,
    next_run_at = CASE WHEN known.is_binding THEN greatest(known.next_run_at, now()) ELSE now() END,
    reason = CASE WHEN known.is_binding AND known.next_run_at > now() THEN known.reason END,
    updated_at = now()
