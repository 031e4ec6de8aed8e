-- Keeps a page whose text is that of an earlier one, which stands for it. Null where that one is no longer kept.
-- $1 source text, $2 run_id bigint, $3 page int, $4 url text, $5 status smallint, $6 same_as bigint, $7 sha256 bytea,
-- $8 fetched_at timestamptz, $9 reading jsonb
INSERT INTO raw (source, run_id, page, url, status, same_as, sha256, fetched_at, reading)
SELECT $1, $2, $3, $4, $5, raw_id, $7, $8, $9
FROM raw
WHERE source = $1 AND raw_id = $6 AND sha256 = $7 AND body IS NOT NULL
FOR KEY SHARE
RETURNING raw_id
