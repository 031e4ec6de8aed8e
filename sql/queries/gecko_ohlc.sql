-- Candles of a coin as CoinGecko's /ohlc tells them, from our own ticks: [end, open, high, low, close] of each stretch of
-- time that is over and has ticks. Null where there is no such coin. Kept candles of such stretches may take over here.
-- $1 source text, $2 coin_id text, $3 from, $4 to timestamptz, $5 interval: a stretch,
-- $6 text: the coin that the unit counts (null: the US dollar), $7 numeric: units in one coin,
-- $8 digits of prices behind the point int (null: all)
SELECT coalesce(json_agg(json_build_array(
    extract(epoch FROM stretch + $5)::bigint * 1000,
    in_digits(first, $8), in_digits(high, $8), in_digits(low, $8), in_digits(last, $8)
) ORDER BY stretch), '[]')::text
FROM (
    SELECT
        stretch, max(price) AS high, min(price) AS low, (array_agg(price ORDER BY observed_at))[1] AS first,
        (array_agg(price ORDER BY observed_at DESC))[1] AS last
    FROM (
        SELECT
            date_bin($5::interval, tick.observed_at, timestamptz 'epoch') AS stretch, tick.observed_at,
            in_unit(tick.price_usd, CASE WHEN $6::text IS NULL THEN 1 ELSE (
                SELECT nullif(price_usd, 0) / $7::numeric FROM price_history AS other
                WHERE other.coin_id = $6 AND other.source = $1
                  AND other.observed_at > tick.observed_at - interval '1 hour' AND other.observed_at <= tick.observed_at
                ORDER BY other.observed_at DESC
                LIMIT 1
            ) END) AS price
        FROM price_history AS tick
        WHERE tick.coin_id = $2 AND tick.source = $1
          AND tick.observed_at >= date_bin($5, $3::timestamptz + $5, timestamptz 'epoch')
          AND tick.observed_at < date_bin($5, $4::timestamptz, timestamptz 'epoch')
    ) AS tick
    WHERE price IS NOT NULL
    GROUP BY stretch
) AS candle
HAVING EXISTS (SELECT FROM unified_crypto WHERE source = $1 AND coin_id = $2)
