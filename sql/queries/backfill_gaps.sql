-- The stretches of a time in which a coin has no tick, where they are longer than so much, in order.
-- $1 source text, $2 coin_id text, $3 since, $4 until timestamptz, $5 longest interval
SELECT since, until
FROM (
    SELECT lag(observed_at, 1, $3::timestamptz) OVER (ORDER BY observed_at) AS since, observed_at AS until
    FROM (
        SELECT observed_at FROM price_history
        WHERE coin_id = $2 AND source = $1 AND observed_at >= $3 AND observed_at < $4
        UNION ALL
        SELECT $4::timestamptz
    ) AS seen
) AS apart
WHERE until - since > $5::interval
ORDER BY since
