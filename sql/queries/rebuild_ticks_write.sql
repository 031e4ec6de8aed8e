-- Writes the derived ticks of some coins that are missing or differ; answers how many of each.
-- A tick from a page that is not read stays, unless a later page corrects it. Of a coin's first undated snapshot only
-- the history tells whether it brought anything: not where it says the same as the last tick before the first page.
-- Corrections from before are still counted.
-- $1 source text, $2 coin_ids text[]
WITH before AS (
    SELECT coin_id, (array_agg((price_usd, market_cap_usd, volume_24h_usd) ORDER BY raw_id DESC, observed_at DESC))[1] AS figures
    FROM price_history
    WHERE source = $1 AND coin_id = ANY ($2) AND raw_id < (SELECT min(raw_id) FROM rebuild_page)
      AND raw_id NOT IN (SELECT raw_id FROM backfill_span s WHERE s.source = $1)
    GROUP BY coin_id
), derived AS (
    SELECT *, raw_id = min(raw_id) OVER (PARTITION BY coin_id) AS is_first
    FROM pg_temp.price_history
    WHERE source = $1 AND coin_id = ANY ($2)
), wanted AS (
    SELECT d.*, h.coin_id IS NULL AS is_new
    FROM derived d
    LEFT JOIN price_history h USING (coin_id, source, observed_at)
    LEFT JOIN before b USING (coin_id)
    WHERE CASE
        WHEN h.coin_id IS NULL THEN NOT (
            d.observed_at = d.fetched_at AND d.is_first
            AND (d.price_usd, d.market_cap_usd, d.volume_24h_usd) IS NOT DISTINCT FROM b.figures
        )
        -- as text, since two figures of the same value may have other digits
        WHEN h.raw_id IN (SELECT raw_id FROM rebuild_page) THEN (
            h.price_usd, h.market_cap_usd, h.volume_24h_usd, h.open_usd, h.high_usd, h.low_usd,
            h.fetched_at, h.run_id, h.raw_id, h.raw_position, greatest(h.revision, d.revision)
        )::text <> (
            d.price_usd, d.market_cap_usd, d.volume_24h_usd, d.open_usd, d.high_usd, d.low_usd,
            d.fetched_at, d.run_id, d.raw_id, d.raw_position, h.revision
        )::text
        ELSE h.raw_id < d.raw_id AND (
            h.price_usd, h.market_cap_usd, h.volume_24h_usd, h.open_usd, h.high_usd, h.low_usd
        ) IS DISTINCT FROM (
            d.price_usd, d.market_cap_usd, d.volume_24h_usd, d.open_usd, d.high_usd, d.low_usd
        )
    END
), written AS (
    INSERT INTO price_history AS h (
        source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd,
        low_usd, fetched_at, run_id, raw_id, raw_position, revision
    )
    SELECT
        source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd,
        low_usd, fetched_at, run_id, raw_id, raw_position, revision
    FROM wanted
    ON CONFLICT (coin_id, source, observed_at) DO UPDATE SET
        price_usd = excluded.price_usd, market_cap_usd = excluded.market_cap_usd,
        volume_24h_usd = excluded.volume_24h_usd, open_usd = excluded.open_usd,
        high_usd = excluded.high_usd, low_usd = excluded.low_usd, fetched_at = excluded.fetched_at,
        run_id = excluded.run_id, raw_id = excluded.raw_id, raw_position = excluded.raw_position,
        revision = greatest(h.revision, excluded.revision)
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM wanted
