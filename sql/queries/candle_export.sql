-- Candles of an asset, the newest first: what COPY sends as CSV.
-- $1 sources text[], $2 coin_ids text[]: the listings, $3 step interval, $4 since, $5 before timestamptz,
-- $6 how often the highest of closes that agree holds the lowest numeric, $7 fill text, $8 carried numeric
SELECT
    opened_at, open_usd, high_usd, low_usd, close_usd, volume_24h_usd, kind, coverage, ticks,
    array_to_string(sources, ' ') AS sources, missing, opened_at + $3 <= now() AS is_closed
FROM asset_candles($1, $2, $3, $4, $5, $6, $7, $8)
ORDER BY opened_at DESC
