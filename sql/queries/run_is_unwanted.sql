-- Whether somebody has asked for the end of a run.
-- $1 run_id bigint
SELECT cancel_requested_at IS NOT NULL FROM etl_run WHERE run_id = $1
