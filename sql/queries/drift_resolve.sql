-- Marks the drifts that a whole snapshot did not show as resolved, and answers them; a resumed run is not whole.
-- $1 source text, $2 run_id bigint
UPDATE schema_drift SET resolved_at = now()
WHERE source = $1 AND last_run_id < $2 AND resolved_at IS NULL
  AND EXISTS (SELECT FROM etl_run WHERE run_id = $2 AND resumed_from IS NULL)
RETURNING kind, path
