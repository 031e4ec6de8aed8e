-- What is wrong with most of the records that a run rejected. Where the path is a line of a file, its column counts.
-- $1 source text, $2 run_id bigint
SELECT regexp_replace(reason ->> 'path', '^line \d+(: )?', '') AS path, reason ->> 'message' AS message
FROM etl_reject, jsonb_array_elements(reasons) AS reason
WHERE source = $1 AND run_id = $2
GROUP BY 1, 2
ORDER BY count(*) DESC, 1, 2
LIMIT 1
