-- The history of a coin as it was known at a moment, newest first: each tick as JSON, and its time. Each table is read in
-- its own order, and no further than a page: the planner would sort the whole history of the two.
-- $1 source text, $2 coin_id text, $3 from, $4 before timestamptz (null: any), $5 limit int, $6 moment timestamptz
SELECT row_to_json(tick)::text AS tick, observed_at
FROM (
    (
        SELECT
            observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd, fetched_at, run_id,
            raw_id, raw_position, revision
        FROM price_history
        WHERE coin_id = $2 AND source = $1 AND known_since <= $6
          AND ($3::timestamptz IS NULL OR observed_at >= $3)
          AND ($4::timestamptz IS NULL OR observed_at < $4)
        ORDER BY observed_at DESC
        LIMIT $5
    )
    UNION ALL
    (
        SELECT
            observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd, fetched_at, run_id,
            raw_id, raw_position, revision
        FROM price_revision
        WHERE coin_id = $2 AND source = $1 AND known_since <= $6 AND known_until > $6
          AND ($3::timestamptz IS NULL OR observed_at >= $3)
          AND ($4::timestamptz IS NULL OR observed_at < $4)
        ORDER BY observed_at DESC
        LIMIT $5
    )
    ORDER BY observed_at DESC
    LIMIT $5
) AS tick
