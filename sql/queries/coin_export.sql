-- The latest rows that match, all their figures, in no order: what COPY sends as CSV.
-- $1 sources, $2 symbols, $3 ids text[], $4 rank_lte int, $5 price_gte numeric, $6 updated_since, $7 observed_since
-- timestamptz, $8 q text, $9 asset_ids text[] (null: any)
SELECT
    id, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, price_change_24h_percent, rank, source,
    updated_at, observed_at, array_to_string(oddities(c), ' ') AS oddities, asset_id(c) AS asset_id, fully_diluted_valuation_usd, open_usd,
    high_usd, low_usd, price_change_1h_percent, price_change_7d_percent, circulating_supply, total_supply, max_supply,
    ath_usd, ath_at, atl_usd, atl_at, source_updated_at, fetched_at, run_id, raw_id, raw_position
FROM coins_matching($1, $2, $3, $4, $5, $6, $7, $8, $9) AS c
