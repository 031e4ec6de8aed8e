-- Backfills: runs beside the cycles of a source, and what they have asked of the past.
-- depends: 0012.plans

ALTER TABLE etl_run
    DROP CONSTRAINT etl_run_trigger_check,
    ADD CONSTRAINT etl_run_trigger_check CHECK (trigger IN ('schedule', 'manual', 'backfill'));
COMMENT ON COLUMN etl_run.trigger IS 'schedule, manual: a cycle, for the present state of the source. backfill: for the past of some coins, beside its cycles.';

CREATE VIEW etl_cycle AS SELECT * FROM etl_run WHERE trigger <> 'backfill';
COMMENT ON VIEW etl_cycle IS 'The runs that tell how a source is: when it was last read, and what that costs.';

CREATE FUNCTION lease_of(run etl_run) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE run.trigger WHEN 'backfill' THEN run.source || ' backfill' ELSE run.source END
$$;
COMMENT ON FUNCTION lease_of IS 'The lease that a run is held by: a backfill has one of its own, so that no cycle waits for it.';

CREATE OR REPLACE FUNCTION calls_per_cycle(wanted text) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT avg(requests)::double precision
    FROM (
        SELECT requests FROM etl_cycle WHERE source = wanted AND requests > 0 ORDER BY run_id DESC LIMIT 10
    ) AS latest
$$;

CREATE TABLE backfill_span (
    coin_id       text NOT NULL,
    source        text NOT NULL,
    raw_id        bigint NOT NULL,
    since         timestamptz NOT NULL,
    until         timestamptz NOT NULL,
    step_seconds  double precision NOT NULL CHECK (step_seconds > 0),
    points        integer NOT NULL CHECK (points >= 0),
    run_id        bigint NOT NULL,
    asked_at      timestamptz NOT NULL,
    PRIMARY KEY (coin_id, source, raw_id),
    CONSTRAINT ends_after_its_beginning CHECK (since < until)
);
COMMENT ON TABLE backfill_span IS 'What backfills have asked and were answered, a row for each page: what stands here is not asked again, whether the vendor knew anything or not. A tick of such a raw_id was backfilled.';
COMMENT ON COLUMN backfill_span.until IS 'What was asked for, but no later than the answer.';
COMMENT ON COLUMN backfill_span.step_seconds IS 'How far apart the points were asked for.';
COMMENT ON COLUMN backfill_span.points IS 'How many came.';
COMMENT ON COLUMN backfill_span.asked_at IS 'When the page was fetched.';
