-- How much of a time the history of an asset covers: its id, or that of the one that took it over (null: there is none),
-- and its listings as a JSON list.
-- A gap is more than one and a half times as long as the usual time between two ticks, which is the median of the
-- latest 500 and never less than the pace at which the source is read. Where a backfill has asked for longer steps, it
-- is theirs. Ticks are looked for in the index alone: in the table, those of a coin lie far apart.
-- $1 asset_id text, $2 since timestamptz (null: the first tick of each), $3 until timestamptz, $4 the longest gaps and
-- spans of a listing, at most bigint, $5 sources that are read at a pace of ours text[]
WITH wanted AS MATERIALIZED (
    SELECT coalesce(merged_into, asset_id) AS asset_id FROM asset WHERE asset_id = $1
), listed AS MATERIALIZED (
    SELECT source, coin_id, name, CASE WHEN source = ANY ($5::text[]) THEN pace END AS pace
    FROM asset_source AS placed
    LEFT JOIN (
        SELECT source, coalesce(plan.interval_seconds, state.interval_seconds) * interval '1 second' AS pace
        FROM source_state AS state LEFT JOIN source_plan AS plan USING (source)
    ) AS paced USING (source)
    WHERE placed.asset_id = (SELECT asset_id FROM wanted)
), asked AS MATERIALIZED (
    SELECT source, coin_id, raw_id, since, until, asked_at, step_seconds * interval '1 second' AS step
    FROM listed JOIN backfill_span USING (source, coin_id)
), usual AS MATERIALIZED (
    SELECT
        source, coin_id, name,
        coalesce(
            greatest(CASE WHEN count(gap) >= 3 THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) END, pace),
            (SELECT min(step) FROM asked WHERE (asked.source, asked.coin_id) = (listed.source, listed.coin_id))
        ) AS cadence
    FROM listed
    LEFT JOIN LATERAL (
        SELECT lag(observed_at) OVER (ORDER BY observed_at DESC) - observed_at AS gap
        FROM (
            SELECT observed_at FROM price_history AS tick
            WHERE tick.coin_id = listed.coin_id AND tick.source = listed.source AND observed_at < $3
              AND raw_id NOT IN (SELECT raw_id FROM asked WHERE asked.source = listed.source)
            ORDER BY observed_at DESC
            LIMIT 501
        ) AS latest
    ) AS apart ON true
    GROUP BY source, coin_id, name, pace
), edge AS MATERIALIZED (
    -- the first tick, the last one, and those that may be the last before a gap: few, of as many as there are
    SELECT source, coin_id, cadence, tick.*
    FROM usual
    CROSS JOIN LATERAL (
        SELECT *
        FROM (
            SELECT observed_at, row_number() OVER in_time AS place, lead(observed_at) OVER in_time AS next_at
            FROM price_history AS seen
            WHERE seen.coin_id = usual.coin_id AND seen.source = usual.source
              AND observed_at >= coalesce($2::timestamptz, '-infinity') AND observed_at < $3
            WINDOW in_time AS (ORDER BY observed_at)
        ) AS seen
        WHERE place = 1 OR next_at IS NULL OR next_at - observed_at > 1.5 * usual.cadence
    ) AS tick
), hole AS (
    SELECT source, coin_id, cadence, observed_at AS since, coalesce(next_at, $3) AS until, place, next_at
    FROM edge
    UNION ALL
    SELECT source, coin_id, cadence, $2, observed_at, 0, observed_at FROM edge WHERE place = 1
    UNION ALL
    SELECT source, coin_id, cadence, $2, $3, 0, NULL
    FROM usual WHERE (source, coin_id) NOT IN (SELECT source, coin_id FROM edge)
), gap AS MATERIALIZED (
    SELECT hole.*, asked_at
    FROM hole
    LEFT JOIN LATERAL (
        SELECT step, asked_at FROM asked
        WHERE asked.source = hole.source AND asked.coin_id = hole.coin_id
          AND asked.since <= hole.since + (hole.until - hole.since) / 2
          AND asked.until >= hole.since + (hole.until - hole.since) / 2
        ORDER BY step, asked_at DESC
        LIMIT 1
    ) AS told ON true
    WHERE until - since > 1.5 * greatest(cadence, step)
), ending AS (
    SELECT source, coin_id, since AS until, place, next_at FROM gap WHERE place > 0
    UNION
    SELECT source, coin_id, observed_at, place, next_at FROM edge WHERE next_at IS NULL
), span AS MATERIALIZED (
    SELECT
        source, coin_id, until, place - coalesce(lag(place) OVER in_time, 0) AS ticks,
        coalesce(lag(next_at) OVER in_time, (
            SELECT observed_at FROM edge
            WHERE (edge.source, edge.coin_id, edge.place) = (ending.source, ending.coin_id, 1)
        )) AS since
    FROM ending
    WINDOW in_time AS (PARTITION BY source, coin_id ORDER BY place)
)
SELECT
    (SELECT asset_id FROM wanted) AS asset_id, coalesce(json_agg(listing ORDER BY source, coin_id), '[]')::text AS listings
FROM (
    SELECT
        source, coin_id, name, held.ticks, held.since AS first_at, held.until AS last_at,
        extract(epoch FROM cadence)::double precision AS cadence_seconds,
        CASE WHEN cadence IS NOT NULL THEN round(1 - (
            extract(epoch FROM missing.length) / nullif(extract(epoch FROM $3 - coalesce($2, held.since)), 0)
        ), 6)::double precision END AS covered,
        missing.number AS gaps_total, missing.gaps, held.number AS spans_total, held.spans
    FROM usual
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS number, coalesce(sum(until - since), interval '0') AS length,
            coalesce(json_agg(json_build_object('from', since, 'to', until, 'asked_at', asked_at) ORDER BY since)
                FILTER (WHERE size <= $4), '[]') AS gaps
        FROM (
            SELECT *, row_number() OVER (ORDER BY until - since DESC, since) AS size
            FROM gap WHERE (gap.source, gap.coin_id) = (usual.source, usual.coin_id)
        ) AS sized
    ) AS missing
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS number, coalesce(sum(ticks), 0)::bigint AS ticks, min(since) AS since, max(until) AS until,
            coalesce(json_agg(json_build_object('from', since, 'to', until, 'ticks', ticks) ORDER BY since)
                FILTER (WHERE size <= $4), '[]') AS spans
        FROM (
            SELECT *, row_number() OVER (ORDER BY until - since DESC, since) AS size
            FROM span WHERE (span.source, span.coin_id) = (usual.source, usual.coin_id)
        ) AS sized
    ) AS held
) AS listing
