-- How long the last good runs of a source before a given one took, in seconds.
-- $1 source text, $2 run_id bigint, $3 limit bigint
SELECT extract(epoch FROM finished_at - started_at)::double precision AS seconds
FROM etl_run
WHERE source = $1 AND run_id < $2 AND status IN ('success', 'partial')
ORDER BY run_id DESC
LIMIT $3
