-- Deletes a run that found nothing to do.
-- $1 run_id bigint
DELETE FROM etl_run WHERE run_id = $1 AND fetched = 0
