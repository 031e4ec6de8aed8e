-- When a source is run: each tick once, whichever process comes first; runs that somebody asks for or cancels.
-- depends: 0003.snapshots

ALTER TABLE source_state
    DROP COLUMN is_binding,
    ADD COLUMN phase double precision NOT NULL DEFAULT random(),
    ADD COLUMN scope text,
    ADD COLUMN taken_at timestamptz,
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN requested_at timestamptz;
COMMENT ON COLUMN source_state.next_run_at IS 'The next tick: whoever runs the source for it moves it on, in the transaction that takes the lease.';
COMMENT ON COLUMN source_state.phase IS 'How far its ticks are shifted, as a share of the interval: drawn once, so that neither the sources nor all who run Kasparro call a vendor in the same second.';
COMMENT ON COLUMN source_state.scope IS 'What the source is asked for and under which key; never holds a secret. Null where looking costs nothing.';
COMMENT ON COLUMN source_state.taken_at IS 'When its latest tick was taken: the next follows from that, after a restart too.';
COMMENT ON COLUMN source_state.failures IS 'How many of its latest runs have failed, or died without a page: the next try waits the longer.';
COMMENT ON COLUMN source_state.requested_at IS 'When somebody asked for a run that no process has begun yet.';

ALTER TABLE etl_run
    ADD COLUMN scheduled_for timestamptz,
    ADD COLUMN requested_at timestamptz,
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN backoff_seconds double precision NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX etl_run_by_tick ON etl_run (source, scheduled_for) WHERE scheduled_for IS NOT NULL;
CREATE INDEX etl_run_by_request ON etl_run (source, requested_at) WHERE requested_at IS NOT NULL;
COMMENT ON COLUMN etl_run.scheduled_for IS 'The tick that the run is for; null where somebody asked for it between two ticks.';
COMMENT ON COLUMN etl_run.requested_at IS 'When somebody asked for it, through the API.';
COMMENT ON COLUMN etl_run.cancel_requested_at IS 'When somebody asked for its end.';
COMMENT ON COLUMN etl_run.backoff_seconds IS 'The part of waited_seconds that was spent before retries; the rest was the rate limit.';

CREATE VIEW lease_held AS
SELECT source, owner, fence, run_id, expires_at FROM source_lease
WHERE expires_at >= clock_timestamp() AND session_lives(backend_pid, backend_start);
COMMENT ON VIEW lease_held IS 'The leases that keep others away now: neither run out nor left behind by a dead session.';

CREATE FUNCTION next_tick(phase double precision, seconds double precision, after timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
    SELECT date_bin(stride, after + stride / 2, timestamptz 'epoch' + stride * phase) + stride
    FROM (SELECT seconds * interval '1 second' AS stride) AS grid
$$;
COMMENT ON FUNCTION next_tick IS 'The ticks of a source are a grid in time, its interval apart, shifted by its phase. This is the first tick that is more than half an interval away.';
