-- What each source said of the price of assets, as it was known at a moment, or why it did not: see quote_list.
-- $1 asset_ids text[], $2 sources text[], $3 text[]: the upstream path of each one's coin_id, $4 moment timestamptz
WITH standing AS MATERIALIZED (
    SELECT
        state.source, was.enabled, last.run_id, good.finished_at IS NOT NULL AS has_listed, record.path, paced.pace,
        CASE
            WHEN last.error_kind IN ('RateLimited', 'PlanLimit', 'QuotaSpent') THEN 'rate_limited'
            -- who looked later looked at its usual pace in between, or what was before is kept
            WHEN NOT was.enabled OR was.is_parked OR was.failures > 0 OR last.status IN ('failed', 'abandoned')
                OR coalesce(greatest(good.finished_at, CASE WHEN was.checked_at > $4 THEN $4 ELSE was.checked_at END) < $4 - 2 * paced.pace, true)
                THEN 'source_down'
        END AS trouble
    FROM source_state AS state
    LEFT JOIN LATERAL former('source_state', state.source, $4) AS before ON true
    CROSS JOIN LATERAL jsonb_populate_record(state, before.was) AS was
    LEFT JOIN source_plan AS plan ON plan.source = state.source
    LEFT JOIN LATERAL former('source_plan', state.source, $4) AS planned ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (planned.was ->> 'interval_seconds')::double precision, plan.interval_seconds, was.interval_seconds
        ) * interval '1 second' AS pace
    ) AS paced
    LEFT JOIN LATERAL (
        SELECT run_id, status, error_kind FROM etl_cycle r
        WHERE r.source = state.source AND finished_at <= $4
        ORDER BY run_id DESC
        LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT finished_at FROM etl_cycle r
        WHERE r.source = state.source AND status IN ('success', 'partial') AND finished_at <= $4
        ORDER BY run_id DESC
        LIMIT 1
    ) AS good ON true
    LEFT JOIN unnest($2::text[], $3::text[]) AS record (source, path) ON record.source = state.source
    WHERE state.declared_at <= $4
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
            WHERE refused.source = standing.source AND refused.run_id = standing.run_id
              AND (replayed_at IS NULL OR replayed_at > $4)
              AND strpos(record, listed.coin_id) > 0
              AND page_records('[' || record || ']') -> 0 #>> string_to_array(standing.path, '.') = listed.coin_id
        ) THEN 'rejected'
        WHEN listed.is_missed THEN 'not_returned'
        WHEN trouble IS NOT NULL THEN trouble
        WHEN told.price IS NULL THEN 'not_returned'
    END AS missing,
    listed.coin_id
FROM assets_known($1, $4) AS wanted
CROSS JOIN standing
LEFT JOIN LATERAL (
    SELECT placed.coin_id, coin.price_usd, coin.observed_at, absent.is_missed, absent.is_gone
    FROM listings_known(ARRAY[wanted.asset_id], $4) AS placed
    LEFT JOIN LATERAL latest_known(placed.source, placed.coin_id, $4) AS coin ON true
    CROSS JOIN LATERAL (
        SELECT count(*) > 0 AS is_missed, coalesce(bool_or(confirmed_at <= $4), false) AS is_gone
        FROM (
            SELECT missed_at, confirmed_at FROM coin_absence AS a
            WHERE a.source = placed.source AND a.coin_id = placed.coin_id
            UNION ALL
            SELECT (was ->> 'missed_at')::timestamptz, (was ->> 'confirmed_at')::timestamptz
            FROM former('coin_absence', placed.source || '/' || placed.coin_id, $4)
        ) AS absence
        WHERE missed_at <= $4
    ) AS absent
    WHERE placed.source = standing.source
    ORDER BY absent.is_gone, coin.price_usd IS NULL, coin.observed_at DESC NULLS LAST, placed.coin_id
    LIMIT 1
) AS listed ON true
CROSS JOIN LATERAL (SELECT CASE WHEN NOT listed.is_gone THEN listed.price_usd END AS price) AS told
LEFT JOIN LATERAL (
    SELECT CASE WHEN count(gap) >= 3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) END AS gap
    FROM (
        SELECT observed_at - lead(observed_at) OVER (ORDER BY observed_at DESC) AS gap
        FROM (
            (
                SELECT observed_at FROM price_history AS tick
                WHERE coin_id = listed.coin_id AND source = standing.source AND known_since <= $4
                  AND observed_at <= $4 + interval '1 day'
                  AND NOT EXISTS (
                      SELECT FROM backfill_span AS told
                      WHERE told.coin_id = tick.coin_id AND told.source = tick.source AND told.raw_id = tick.raw_id
                  )
                ORDER BY observed_at DESC
                LIMIT 21
            )
            UNION ALL
            (
                SELECT observed_at FROM price_revision AS tick
                WHERE coin_id = listed.coin_id AND source = standing.source AND known_since <= $4 AND known_until > $4
                  AND observed_at <= $4 + interval '1 day'
                  AND NOT EXISTS (
                      SELECT FROM backfill_span AS told
                      WHERE told.coin_id = tick.coin_id AND told.source = tick.source AND told.raw_id = tick.raw_id
                  )
                ORDER BY observed_at DESC
                LIMIT 21
            )
            ORDER BY observed_at DESC
            LIMIT 21
        ) AS latest
    ) AS apart
) AS usual ON true
WHERE standing.enabled OR listed.coin_id IS NOT NULL
ORDER BY wanted.asset_id, standing.source
