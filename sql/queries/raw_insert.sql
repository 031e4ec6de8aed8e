-- Keeps a page as it came.
-- $1 source text, $2 run_id bigint, $3 page int, $4 url text, $5 status smallint, $6 body text, $7 sha256 bytea,
-- $8 fetched_at timestamptz, $9 reading jsonb
INSERT INTO raw (source, run_id, page, url, status, body, sha256, fetched_at, reading)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING raw_id
