DROP FUNCTION next_tick;
DROP VIEW lease_held;
DROP INDEX etl_run_by_request;
DROP INDEX etl_run_by_tick;
ALTER TABLE etl_run
    DROP COLUMN backoff_seconds,
    DROP COLUMN cancel_requested_at,
    DROP COLUMN requested_at,
    DROP COLUMN scheduled_for;
ALTER TABLE source_state
    DROP COLUMN requested_at,
    DROP COLUMN failures,
    DROP COLUMN taken_at,
    DROP COLUMN scope,
    DROP COLUMN phase,
    ADD COLUMN is_binding boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN source_state.is_binding IS 'The vendor asked for the wait: a restart does not cut it short.';
COMMENT ON COLUMN source_state.next_run_at IS 'When the scheduler means to run it next.';
