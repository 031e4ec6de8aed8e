-- What each source says of the price of assets, or why it does not: a row for each asset and source. Of several
-- listings that a source has in an asset, the one that was observed last speaks for it.
-- $1 asset_ids text[], $2 sources text[], $3 text[]: the upstream path of each one's coin_id
WITH standing AS MATERIALIZED (
    SELECT
        state.source, state.enabled, last.run_id, good.finished_at IS NOT NULL AS has_listed, record.path,
        paced.pace,
        CASE
            WHEN last.error_kind IN ('RateLimited', 'PlanLimit', 'QuotaSpent') THEN 'rate_limited'
            WHEN NOT state.enabled OR state.is_parked OR state.failures > 0 OR last.status IN ('failed', 'abandoned')
                OR coalesce(greatest(good.finished_at, state.checked_at) < now() - 2 * paced.pace, true)
                THEN 'source_down'
        END AS trouble
    FROM source_state AS state
    LEFT JOIN source_plan AS plan USING (source)
    CROSS JOIN LATERAL (
        SELECT coalesce(plan.interval_seconds, state.interval_seconds) * interval '1 second' AS pace
    ) AS paced
    LEFT JOIN LATERAL (
        SELECT run_id, status, error_kind FROM etl_cycle r
        WHERE r.source = state.source AND finished_at IS NOT NULL
        ORDER BY run_id DESC
        LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT finished_at FROM etl_cycle r
        WHERE r.source = state.source AND status IN ('success', 'partial')
        ORDER BY run_id DESC
        LIMIT 1
    ) AS good ON true
    LEFT JOIN unnest($2::text[], $3::text[]) AS record (source, path) ON record.source = state.source
)
SELECT
    wanted.asset_id, standing.source, told.price,
    CASE WHEN told.price IS NOT NULL THEN listed.observed_at END AS observed_at,
    CASE WHEN usual.gap IS NOT NULL THEN greatest(usual.gap, standing.pace) END AS cadence,
    CASE
        WHEN listed.coin_id IS NULL AND has_listed THEN 'never_listed'
        WHEN listed.coin_id IS NULL THEN coalesce(trouble, 'source_down')
        WHEN listed.is_gone THEN 'delisted'
        WHEN EXISTS (
            SELECT FROM etl_reject AS refused
            WHERE refused.source = standing.source AND refused.run_id = standing.run_id AND replayed_at IS NULL
              AND strpos(record, listed.coin_id) > 0
              AND page_records('[' || record || ']') -> 0 #>> string_to_array(standing.path, '.') = listed.coin_id
        ) THEN 'rejected'
        WHEN listed.is_missed THEN 'not_returned'
        WHEN trouble IS NOT NULL THEN trouble
        WHEN told.price IS NULL THEN 'not_returned'
    END AS missing,
    listed.coin_id
FROM (SELECT DISTINCT coalesce(merged_into, asset_id) AS asset_id FROM asset WHERE asset_id = ANY ($1::text[])) AS wanted
CROSS JOIN standing
LEFT JOIN LATERAL (
    SELECT
        placed.coin_id, coin.price_usd, coin.observed_at, absent.missed_by IS NOT NULL AS is_missed,
        absent.confirmed_by IS NOT NULL AS is_gone
    FROM asset_source AS placed
    LEFT JOIN unified_crypto AS coin ON coin.source = placed.source AND coin.coin_id = placed.coin_id
    LEFT JOIN coin_absence AS absent ON absent.source = placed.source AND absent.coin_id = placed.coin_id
    WHERE placed.asset_id = wanted.asset_id AND placed.source = standing.source
    ORDER BY absent.confirmed_by IS NOT NULL, coin.price_usd IS NULL, coin.observed_at DESC NULLS LAST, placed.coin_id
    LIMIT 1
) AS listed ON true
CROSS JOIN LATERAL (SELECT CASE WHEN NOT listed.is_gone THEN listed.price_usd END AS price) AS told
-- the usual time from one observation to the next, of the last twenty; unknown before there are three
LEFT JOIN LATERAL (
    SELECT CASE WHEN count(gap) >= 3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) END AS gap
    FROM (
        SELECT observed_at - lead(observed_at) OVER (ORDER BY observed_at DESC) AS gap
        FROM (
            SELECT observed_at FROM price_history AS tick
            WHERE tick.coin_id = listed.coin_id AND tick.source = standing.source
              AND NOT EXISTS (  -- a backfilled one tells nothing of how often the source is read
                  SELECT FROM backfill_span AS told
                  WHERE told.coin_id = tick.coin_id AND told.source = tick.source AND told.raw_id = tick.raw_id
              )
            ORDER BY observed_at DESC
            LIMIT 21
        ) AS latest
    ) AS apart
) AS usual ON true
WHERE standing.enabled OR listed.coin_id IS NOT NULL
ORDER BY wanted.asset_id, standing.source
