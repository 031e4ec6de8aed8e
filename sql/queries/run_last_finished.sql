-- The last two finished runs of a source, newest first.
-- $1 source text
SELECT run_id FROM etl_cycle
WHERE source = $1 AND finished_at IS NOT NULL
ORDER BY run_id DESC
LIMIT 2
