-- Candles of an asset, the newest first, each as a JSON object: what COPY sends line by line.
-- $1 sources text[], $2 coin_ids text[]: the listings, $3 step interval, $4 since, $5 before timestamptz,
-- $6 how often the highest of closes that agree holds the lowest numeric, $7 fill text, $8 carried numeric
SELECT row_to_json(candle)
FROM (
    SELECT *, opened_at + $3 <= now() AS is_closed
    FROM asset_candles($1, $2, $3, $4, $5, $6, $7, $8)
    ORDER BY opened_at DESC
) AS candle
