-- Where the latest row of a coin came from: its place on a page, and the page, whose columns are null once it is deleted.
-- $1 source text, $2 coin_id text
SELECT
    c.raw_id, c.raw_position, r.run_id, r.page, r.url, encode(r.sha256, 'hex') AS sha256, r.fetched_at,
    coalesce(r.body, original.body) AS body
FROM unified_crypto c
LEFT JOIN raw r ON r.source = c.source AND r.raw_id = c.raw_id
LEFT JOIN raw original ON original.source = r.source AND original.raw_id = r.same_as
WHERE c.source = $1 AND c.coin_id = $2
