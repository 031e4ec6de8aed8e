-- The history of a coin as CoinGecko's /market_chart tells it, from our own ticks: the last of each stretch of time, at
-- its own time; of whole days at the midnight behind them. It costs the same however many ticks there are.
-- Null where there is no such coin. In other units than US dollars a tick counts if the unit had a price in the hour before.
-- $1 source text, $2 coin_id text, $3 from (null: the first tick), $4 to timestamptz, $5 interval: a stretch,
-- $6 text: the coin that the unit counts (null: the US dollar), $7 numeric: units in one coin,
-- $8 digits of prices behind the point int (null: all)
SELECT json_build_object(
    'prices', coalesce(json_agg(json_build_array(at, in_digits(in_unit(price_usd, rate), $8)) ORDER BY at), '[]'),
    'market_caps', coalesce(json_agg(json_build_array(at, in_unit(market_cap_usd, rate)) ORDER BY at), '[]'),
    'total_volumes', coalesce(json_agg(json_build_array(at, in_unit(volume_24h_usd, rate)) ORDER BY at), '[]')
)::text
FROM (
    SELECT
        floor(extract(epoch FROM CASE
            WHEN $5 >= interval '1 day' AND stretch + $5 <= $4 THEN stretch + $5 ELSE tick.observed_at
        END) * 1000)::bigint AS at,
        tick.price_usd, tick.market_cap_usd, tick.volume_24h_usd, unit.rate
    FROM generate_series(
        date_bin($5::interval, coalesce($3::timestamptz, (
            SELECT min(observed_at) FROM price_history AS tick WHERE tick.coin_id = $2 AND tick.source = $1
        )), timestamptz 'epoch'),
        $4::timestamptz, $5
    ) AS stretch
    CROSS JOIN LATERAL (
        SELECT observed_at, price_usd, market_cap_usd, volume_24h_usd
        FROM price_history AS tick
        WHERE tick.coin_id = $2 AND tick.source = $1
          AND observed_at >= stretch AND observed_at < stretch + $5
          AND ($3 IS NULL OR observed_at >= $3) AND observed_at <= $4
        ORDER BY observed_at DESC
        LIMIT 1
    ) AS tick
    CROSS JOIN LATERAL (
        SELECT CASE WHEN $6::text IS NULL THEN 1 ELSE (
            SELECT nullif(price_usd, 0) / $7::numeric FROM price_history AS other
            WHERE other.coin_id = $6 AND other.source = $1
              AND other.observed_at > tick.observed_at - interval '1 hour' AND other.observed_at <= tick.observed_at
            ORDER BY other.observed_at DESC
            LIMIT 1
        ) END AS rate
    ) AS unit
    WHERE unit.rate IS NOT NULL
) AS point
HAVING EXISTS (SELECT FROM unified_crypto WHERE source = $1 AND coin_id = $2)
