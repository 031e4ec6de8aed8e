-- Merges the staged observations of the past into the history, and into nothing else. A tick that a cycle brought stays
-- as it is, whatever is said of that moment later; one that a backfill brought is corrected.
-- Answers how many records had which effect; a record without a price has none.
-- $1 source text, $2 run_id bigint, $3 raw_id bigint, $4 fetched_at timestamptz, $5 timestamptz: no history before it
WITH observed AS MATERIALIZED (
    SELECT DISTINCT ON (coin_id, source_updated_at) *
    FROM staged
    ORDER BY coin_id, source_updated_at, raw_position DESC
), wanted AS MATERIALIZED (
    SELECT o.*
    FROM observed o
    -- one look into the index for each record
    LEFT JOIN LATERAL (
        SELECT * FROM price_history
        WHERE coin_id = o.coin_id AND source = $1 AND observed_at = o.source_updated_at
        LIMIT 1
    ) h ON true
    WHERE o.price_usd IS NOT NULL AND o.source_updated_at >= $5
      AND (
          h.coin_id IS NULL
          OR (o.price_usd, o.market_cap_usd, o.volume_24h_usd) IS DISTINCT FROM (h.price_usd, h.market_cap_usd, h.volume_24h_usd)
             AND EXISTS (
                 SELECT FROM backfill_span s WHERE s.coin_id = h.coin_id AND s.source = $1 AND s.raw_id = h.raw_id
             )
      )
), ticks AS (
    INSERT INTO price_history AS h (
        source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, fetched_at, run_id, raw_id, raw_position
    )
    SELECT $1, coin_id, source_updated_at, price_usd, market_cap_usd, volume_24h_usd, $4, $2, $3, raw_position
    FROM wanted
    ON CONFLICT (coin_id, source, observed_at) DO UPDATE SET
        price_usd = excluded.price_usd, market_cap_usd = excluded.market_cap_usd,
        volume_24h_usd = excluded.volume_24h_usd, fetched_at = excluded.fetched_at, run_id = excluded.run_id,
        raw_id = excluded.raw_id, raw_position = excluded.raw_position, revision = h.revision + 1
    RETURNING coin_id, observed_at, CASE revision WHEN 0 THEN 'inserted' ELSE 'updated' END AS tick
)
SELECT NULL AS latest, coalesce(tick, 'unchanged') AS tick, count(*) AS records
FROM observed LEFT JOIN ticks ON ticks.coin_id = observed.coin_id AND ticks.observed_at = source_updated_at
GROUP BY 2
