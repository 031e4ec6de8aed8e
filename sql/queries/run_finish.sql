-- Closes a run; one that was closed as abandoned stays so.
-- $1 run_id bigint, $2 status text, $3 error_kind text, $4 error_message text, $5 requests int, $6 retries int,
-- $7 waited_seconds double precision, $8 backoff_seconds double precision
UPDATE etl_run SET
    status = $2, error_kind = $3, error_message = $4, requests = $5, retries = $6, waited_seconds = $7,
    backoff_seconds = $8, finished_at = clock_timestamp()
WHERE run_id = $1 AND status = 'running'
