-- The days that the pass of a source goes over next, coin after coin: about so many, and those of one coin at least.
-- $1 source text, $2 days int
SELECT next.coin_id, day
FROM candle_roll AS pass
CROSS JOIN LATERAL history_coins(
    pass.coin_id, since, until, greatest(1, ($2::int * 86400 / nullif(extract(epoch FROM until - since), 0))::bigint)
) AS next (coin_id)
CROSS JOIN LATERAL generate_series(since, until - interval '24 hours', interval '24 hours') AS day
WHERE source = $1
ORDER BY next.coin_id, day
