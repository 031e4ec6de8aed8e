-- The run that was begun for a request.
-- $1 source text, $2 requested_at timestamptz
SELECT run_id FROM etl_run WHERE source = $1 AND requested_at = $2
