-- One page of the latest rows as a JSON list, best rank first, and how many rows match in all.
-- $1 sources text[], $2 symbols text[] (null: any), $3 limit bigint, $4 offset bigint, $5 asset_ids text[] (null: any)
WITH wanted AS MATERIALIZED (
    SELECT source, coin_id FROM asset_source
    WHERE asset_id IN (SELECT coalesce(merged_into, asset_id) FROM asset WHERE asset_id = ANY ($5))
)
SELECT
    (
        SELECT count(*) FROM unified_crypto
        WHERE ($1::text[] IS NULL OR source = ANY ($1))
          AND ($2::text[] IS NULL OR lower(symbol) = ANY (ARRAY(SELECT lower(wanted) FROM unnest($2) AS wanted)))
          AND ($5::text[] IS NULL OR (source, coin_id) IN (SELECT source, coin_id FROM wanted))
    ) AS total,
    (
        SELECT coalesce(json_agg(coin), '[]')::text
        FROM (
            SELECT
                id, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, price_change_24h_percent,
                rank, source, updated_at, observed_at, oddities(unified_crypto) AS oddities,
                (
                    SELECT asset_id FROM asset_source AS placed
                    WHERE placed.source = unified_crypto.source AND placed.coin_id = unified_crypto.coin_id
                ) AS asset_id
            FROM unified_crypto
            WHERE ($1::text[] IS NULL OR source = ANY ($1))
              AND ($2::text[] IS NULL OR lower(symbol) = ANY (ARRAY(SELECT lower(wanted) FROM unnest($2) AS wanted)))
              AND ($5::text[] IS NULL OR (source, coin_id) IN (SELECT source, coin_id FROM wanted))
            ORDER BY rank NULLS LAST, market_cap_usd DESC NULLS LAST, source, coin_id
            LIMIT $3 OFFSET $4
        ) AS coin
    ) AS coins
