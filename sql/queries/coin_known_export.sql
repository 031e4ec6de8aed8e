-- The latest rows as they were known at a moment, those that match, in no order: what COPY sends as CSV.
-- $1 moment timestamptz, $2 sources, $3 symbols, $4 ids text[], $5 price_gte numeric, $6 q text, $7 asset_ids text[]
-- (null: any)
SELECT
    id, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, source, observed_at, asset_id, open_usd,
    high_usd, low_usd
FROM coins_known($1, $2, $3, $4, $5, $6, $7)
