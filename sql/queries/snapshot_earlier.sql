-- How many coins the snapshots of a source listed that ended before a run, and what was wrong with each, newest first.
-- $1 source text, $2 scope text, $3 run_id bigint, $4 limit bigint
SELECT coins, ARRAY(SELECT jsonb_array_elements(flags) ->> 'name') AS flags
FROM etl_run
WHERE source = $1 AND scope = $2 AND coins IS NOT NULL AND run_id < $3
ORDER BY run_id DESC
LIMIT $4
