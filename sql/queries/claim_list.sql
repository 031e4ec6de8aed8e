-- Every listing that has a market cap: what it claims, whether whole snapshots still list it, and which other assets may be
-- the same coin.
SELECT
    placed.asset_id, coin.source, coin.coin_id, coin.name, coin.symbol, coin.market_cap_usd, coin.volume_24h_usd,
    coin.price_change_24h_percent, coin.observed_at, absent.confirmed_by IS NOT NULL AS is_gone,
    CASE WHEN placed.is_ambiguous THEN ARRAY(
        SELECT other.asset_id
        FROM jsonb_to_recordset(placed.candidates) AS candidate (source text, coin_id text)
        JOIN asset_source AS other USING (source, coin_id)
        WHERE other.asset_id <> placed.asset_id
    ) ELSE '{}' END AS doubles
FROM unified_crypto AS coin
LEFT JOIN asset_source AS placed USING (source, coin_id)
LEFT JOIN coin_absence AS absent USING (source, coin_id)
WHERE coin.market_cap_usd > 0
