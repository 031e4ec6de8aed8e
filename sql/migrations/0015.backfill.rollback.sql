DROP TABLE backfill_span;
CREATE OR REPLACE FUNCTION calls_per_cycle(wanted text) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT avg(requests)::double precision
    FROM (
        SELECT requests FROM etl_run WHERE source = wanted AND requests > 0 ORDER BY run_id DESC LIMIT 10
    ) AS latest
$$;
DROP FUNCTION lease_of;
DROP VIEW etl_cycle;
DELETE FROM etl_run WHERE trigger = 'backfill';
ALTER TABLE etl_run
    DROP CONSTRAINT etl_run_trigger_check,
    ADD CONSTRAINT etl_run_trigger_check CHECK (trigger IN ('schedule', 'manual'));
COMMENT ON COLUMN etl_run.trigger IS NULL;
