-- When a source was last run with success, in Unix seconds.
-- $1 source text
SELECT extract(epoch FROM finished_at)::double precision
FROM etl_cycle
WHERE source = $1 AND status IN ('success', 'partial')
ORDER BY run_id DESC
LIMIT 1
