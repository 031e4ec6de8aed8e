-- Every listing of every source: what it is called, its figures, its contracts, and where it belongs so far.
SELECT
    u.source, u.coin_id, u.name, u.symbol,
    u.price_usd::double precision, u.market_cap_usd::double precision, u.circulating_supply::double precision,
    u.total_supply::double precision, u.max_supply::double precision, u.observed_at,
    a.asset_id, asset.created_at, a.name AS known_name, a.symbol AS known_symbol, a.method = 'manual' AS is_pinned,
    a.is_ambiguous,
    coalesce(contract.names, '{}') AS contracts
FROM unified_crypto u
LEFT JOIN asset_source a USING (source, coin_id)
LEFT JOIN asset USING (asset_id)
LEFT JOIN (
    SELECT source, coin_id, array_agg(chain || ':' || address) AS names FROM coin_contract GROUP BY source, coin_id
) AS contract USING (source, coin_id)
