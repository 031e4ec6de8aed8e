-- A raw page, with what it takes to read it again.
-- $1 source text, $2 raw_id bigint
SELECT p.raw_id, p.run_id, p.url, p.status, coalesce(p.body, original.body), p.sha256, p.fetched_at, p.reading
FROM raw p
LEFT JOIN raw original ON original.source = p.source AND original.raw_id = p.same_as
WHERE p.source = $1 AND p.raw_id = $2 AND coalesce(p.body, original.body) IS NOT NULL
