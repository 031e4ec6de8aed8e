-- Asks for the end of a run, if it runs. Answers its source and its status; nothing where there is no such run.
-- $1 run_id bigint
WITH cancelled AS (
    UPDATE etl_run SET cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
    WHERE run_id = $1 AND status = 'running'
)
SELECT source, status FROM etl_run WHERE run_id = $1
