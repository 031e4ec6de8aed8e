-- A raw page, with what it takes to read it again.
-- $1 source text, $2 raw_id bigint
SELECT raw_id, run_id, url, status, body, sha256, fetched_at, reading FROM raw WHERE source = $1 AND raw_id = $2
