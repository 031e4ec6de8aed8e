-- Merges the staged tickers of a page: the latest row of each coin, and a tick for each new observation.
-- Answers how many records had which effect: on the latest row (null: a newer record of the coin is in the page)
-- and on the history (null: none).
-- A page may come late, when rows of later pages are there already: it takes nothing from them, but tells the history.
-- $1 source text, $2 run_id bigint, $3 raw_id bigint, $4 fetched_at timestamptz,
-- $5 is_series boolean: the records are dated observations, not the present state; $6 timestamptz: no history before it
-- $7 is_careful boolean: the history may be ahead of the latest rows, so that no tick is known to be new
WITH observed AS MATERIALIZED (
    SELECT DISTINCT ON (coin_id, observed_at) *, coalesce(source_updated_at, $4) AS observed_at
    FROM staged
    ORDER BY coin_id, observed_at DESC, raw_position DESC
), judged AS MATERIALIZED (
    SELECT
        o.*,
        NOT $7 AND coalesce(o.observed_at > u.observed_at, true) AS is_new,
        CASE
            WHEN o.coin_id = lag(o.coin_id) OVER (ORDER BY o.coin_id, o.observed_at DESC) THEN NULL
            WHEN u.coin_id IS NULL THEN 'inserted'
            WHEN u.raw_id > $3 AND coalesce(o.source_updated_at <= u.source_updated_at, true) THEN 'late'
            -- a snapshot without a date is no older than one with: the source merely forgot to say
            WHEN CASE WHEN $5 THEN o.observed_at < u.observed_at ELSE o.source_updated_at < u.source_updated_at END
                THEN 'stale'
            WHEN (
                o.name, o.symbol, o.rank, o.price_usd, o.market_cap_usd, o.fully_diluted_valuation_usd,
                o.volume_24h_usd, o.open_usd, o.high_usd, o.low_usd, o.price_change_1h_percent,
                o.price_change_24h_percent, o.price_change_7d_percent, o.circulating_supply, o.total_supply,
                o.max_supply, o.ath_usd, o.ath_at, o.atl_usd, o.atl_at, coalesce(o.source_updated_at, u.source_updated_at)
            ) IS DISTINCT FROM (
                u.name, u.symbol, u.rank, u.price_usd, u.market_cap_usd, u.fully_diluted_valuation_usd,
                u.volume_24h_usd, u.open_usd, u.high_usd, u.low_usd, u.price_change_1h_percent,
                u.price_change_24h_percent, u.price_change_7d_percent, u.circulating_supply, u.total_supply,
                u.max_supply, u.ath_usd, u.ath_at, u.atl_usd, u.atl_at, u.source_updated_at
            ) THEN 'updated'
            ELSE 'unchanged'
        END AS latest
    FROM observed o
    -- one look into the index for each record: the planner, knowing nothing of a page, would read the whole table
    LEFT JOIN LATERAL (
        SELECT * FROM unified_crypto WHERE source = $1 AND coin_id = o.coin_id LIMIT 1
    ) u ON true
), upserted AS (
    -- unchanged rows are left out before the conflict, which would lock and so rewrite them
    INSERT INTO unified_crypto AS u (
        source, coin_id, name, symbol, rank, price_usd, market_cap_usd, fully_diluted_valuation_usd,
        volume_24h_usd, open_usd, high_usd, low_usd, price_change_1h_percent, price_change_24h_percent,
        price_change_7d_percent, circulating_supply, total_supply, max_supply, ath_usd, ath_at, atl_usd,
        atl_at, source_updated_at, observed_at, fetched_at, run_id, raw_id, raw_position
    )
    SELECT
        $1, coin_id, name, symbol, rank, price_usd, market_cap_usd, fully_diluted_valuation_usd,
        volume_24h_usd, open_usd, high_usd, low_usd, price_change_1h_percent, price_change_24h_percent,
        price_change_7d_percent, circulating_supply, total_supply, max_supply, ath_usd, ath_at, atl_usd,
        atl_at, source_updated_at, observed_at, $4, $2, $3, raw_position
    FROM judged
    WHERE latest IN ('inserted', 'updated')
    ON CONFLICT (source, coin_id) DO UPDATE SET
        name = excluded.name, symbol = excluded.symbol, rank = excluded.rank,
        price_usd = excluded.price_usd, market_cap_usd = excluded.market_cap_usd,
        fully_diluted_valuation_usd = excluded.fully_diluted_valuation_usd,
        volume_24h_usd = excluded.volume_24h_usd, open_usd = excluded.open_usd,
        high_usd = excluded.high_usd, low_usd = excluded.low_usd,
        price_change_1h_percent = excluded.price_change_1h_percent,
        price_change_24h_percent = excluded.price_change_24h_percent,
        price_change_7d_percent = excluded.price_change_7d_percent,
        circulating_supply = excluded.circulating_supply, total_supply = excluded.total_supply,
        max_supply = excluded.max_supply, ath_usd = excluded.ath_usd, ath_at = excluded.ath_at,
        atl_usd = excluded.atl_usd, atl_at = excluded.atl_at,
        source_updated_at = coalesce(excluded.source_updated_at, u.source_updated_at), observed_at = excluded.observed_at,
        fetched_at = excluded.fetched_at, run_id = excluded.run_id, raw_id = excluded.raw_id,
        raw_position = excluded.raw_position, updated_at = now()
    WHERE CASE WHEN $5 THEN excluded.observed_at >= u.observed_at
               ELSE coalesce(excluded.source_updated_at >= u.source_updated_at, true) END
), told AS NOT MATERIALIZED (
    SELECT *
    FROM judged
    WHERE price_usd IS NOT NULL
      AND observed_at >= $6
      AND CASE WHEN $5 THEN latest IS DISTINCT FROM 'unchanged' ELSE coalesce(latest NOT IN ('unchanged', 'stale'), true) END
      AND (source_updated_at IS NOT NULL OR latest IN ('inserted', 'updated', 'late'))
), ticks AS (
    -- looking first whether it is there would cost half as much again
    INSERT INTO price_history (
        source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd,
        low_usd, fetched_at, run_id, raw_id, raw_position
    )
    SELECT
        $1, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd,
        $4, $2, $3, raw_position
    FROM told
    WHERE is_new
    RETURNING coin_id, observed_at, 'inserted' AS tick
), corrections AS (
    INSERT INTO price_history AS h (
        source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd,
        low_usd, fetched_at, run_id, raw_id, raw_position
    )
    SELECT
        $1, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd,
        $4, $2, $3, raw_position
    FROM told
    WHERE NOT is_new
    ON CONFLICT (coin_id, source, observed_at) DO UPDATE SET
        price_usd = excluded.price_usd, market_cap_usd = excluded.market_cap_usd,
        volume_24h_usd = excluded.volume_24h_usd, open_usd = excluded.open_usd,
        high_usd = excluded.high_usd, low_usd = excluded.low_usd, fetched_at = excluded.fetched_at,
        run_id = excluded.run_id, raw_id = excluded.raw_id, raw_position = excluded.raw_position,
        revision = h.revision + 1
    WHERE h.raw_id <= excluded.raw_id AND (
        h.price_usd, h.market_cap_usd, h.volume_24h_usd, h.open_usd, h.high_usd, h.low_usd
    ) IS DISTINCT FROM (
        excluded.price_usd, excluded.market_cap_usd, excluded.volume_24h_usd, excluded.open_usd,
        excluded.high_usd, excluded.low_usd
    )
    RETURNING coin_id, observed_at, CASE revision WHEN 0 THEN 'inserted' ELSE 'updated' END
)
SELECT CASE latest WHEN 'late' THEN 'stale' ELSE latest END AS latest, tick, count(*) AS records
FROM judged LEFT JOIN (TABLE ticks UNION ALL TABLE corrections) AS t USING (coin_id, observed_at)
GROUP BY 1, 2
