-- The latest rows as they were known at a moment, those that match, in no order, each as a JSON object: what COPY sends
-- line by line.
-- $1 moment timestamptz, $2 sources, $3 symbols, $4 ids text[], $5 price_gte numeric, $6 q text, $7 asset_ids text[]
-- (null: any)
SELECT row_to_json(coin)
FROM (
    SELECT
        id, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, source, observed_at, asset_id, open_usd,
        high_usd, low_usd
    FROM coins_known($1, $2, $3, $4, $5, $6, $7)
) AS coin
