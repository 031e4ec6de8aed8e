-- The history of a coin as it was known at a moment, newest first: what COPY sends as CSV.
-- $1 source text, $2 coin_id text, $3 from, $4 before timestamptz (null: any), $5 moment timestamptz
SELECT
    observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd, fetched_at, run_id, raw_id,
    raw_position, revision
FROM ticks_known($5)
WHERE coin_id = $2 AND source = $1
  AND ($3::timestamptz IS NULL OR observed_at >= $3)
  AND ($4::timestamptz IS NULL OR observed_at < $4)
ORDER BY observed_at DESC
