-- How many runs of each source went well.
SELECT source, count(*) AS runs
FROM etl_run
WHERE status IN ('success', 'partial')
GROUP BY source
