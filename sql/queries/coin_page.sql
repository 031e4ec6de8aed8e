-- One page of the latest rows as a JSON list, best rank first, and how many rows match in all.
-- $1 sources text[], $2 symbols text[] (null: any), $3 limit bigint, $4 offset bigint
SELECT
    (
        SELECT count(*) FROM unified_crypto
        WHERE ($1::text[] IS NULL OR source = ANY ($1))
          AND ($2::text[] IS NULL OR lower(symbol) = ANY (ARRAY(SELECT lower(wanted) FROM unnest($2) AS wanted)))
    ) AS total,
    (
        SELECT coalesce(json_agg(coin), '[]')::text
        FROM (
            SELECT
                id, coin_id, name, symbol, price_usd, market_cap_usd, volume_24h_usd, price_change_24h_percent,
                rank, source, updated_at, observed_at, oddities(unified_crypto) AS oddities
            FROM unified_crypto
            WHERE ($1::text[] IS NULL OR source = ANY ($1))
              AND ($2::text[] IS NULL OR lower(symbol) = ANY (ARRAY(SELECT lower(wanted) FROM unnest($2) AS wanted)))
            ORDER BY rank NULLS LAST, market_cap_usd DESC NULLS LAST, source, coin_id
            LIMIT $3 OFFSET $4
        ) AS coin
    ) AS coins
