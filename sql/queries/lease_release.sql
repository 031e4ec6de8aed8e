-- Gives the source back at once, if it is still ours.
-- $1 source text, $2 fence bigint
UPDATE source_lease SET expires_at = '-infinity', run_id = NULL, backend_pid = NULL, backend_start = NULL
WHERE source = $1 AND fence = $2
