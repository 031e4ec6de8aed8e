-- Writes the derived latest rows of some coins that are missing; answers how many.
-- $1 source text, $2 coin_ids text[]
WITH written AS (
    INSERT INTO unified_crypto (
        source, coin_id, name, symbol, rank, price_usd, market_cap_usd, fully_diluted_valuation_usd,
        volume_24h_usd, open_usd, high_usd, low_usd, price_change_1h_percent, price_change_24h_percent,
        price_change_7d_percent, circulating_supply, total_supply, max_supply, ath_usd, ath_at, atl_usd,
        atl_at, source_updated_at, observed_at, fetched_at, run_id, raw_id, raw_position
    )
    SELECT
        source, coin_id, name, symbol, rank, price_usd, market_cap_usd, fully_diluted_valuation_usd,
        volume_24h_usd, open_usd, high_usd, low_usd, price_change_1h_percent, price_change_24h_percent,
        price_change_7d_percent, circulating_supply, total_supply, max_supply, ath_usd, ath_at, atl_usd,
        atl_at, source_updated_at, observed_at, fetched_at, run_id, raw_id, raw_position
    FROM pg_temp.unified_crypto
    WHERE source = $1 AND coin_id = ANY ($2)
    ON CONFLICT (source, coin_id) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM written
