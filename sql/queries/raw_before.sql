-- The pages that a run took from one place before a given page.
-- $1 source text, $2 raw_id bigint, $3 run_id bigint, $4 url text
SELECT raw_id FROM raw
WHERE source = $1 AND raw_id < $2 AND run_id = $3 AND url = $4
ORDER BY raw_id
