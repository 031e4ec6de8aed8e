-- All that is known of a coin, as a JSON object.
-- $1 source text, $2 coin_id text
SELECT to_json(coin)::text
FROM (
    SELECT
        id, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, price_change_24h_percent, rank, source,
        updated_at, observed_at, oddities(c) AS oddities, asset_id(c) AS asset_id, fully_diluted_valuation_usd, open_usd, high_usd, low_usd,
        price_change_1h_percent, price_change_7d_percent, circulating_supply, total_supply, max_supply, ath_usd, ath_at,
        atl_usd, atl_at, source_updated_at, fetched_at, run_id, raw_id, raw_position
    FROM unified_crypto c
    WHERE source = $1 AND coin_id = $2
) AS coin
