-- What each source may spend, has spent and is about to, as a JSON list by name; without sources that are run no more.
-- Credits that are used up ran out with the last call; others run out when the cycles to come have spent them.
SELECT coalesce(json_agg(quota), '[]')::text
FROM (
    SELECT
        p.source, p.plan, nullif(p.key, '') AS key_fingerprint,
        to_char(quota_month(), 'YYYY-MM') AS month,
        p.credits AS "limit", coalesce(used, 0) AS used, p.kept AS reserved, remaining,
        calls AS calls_per_cycle,
        coalesce(s.interval_seconds, p.interval_seconds) AS interval_seconds,
        p.interval_seconds AS effective_interval_seconds,
        CASE
            WHEN remaining = 0 THEN coalesce(q.updated_at, p.declared_at)
            WHEN lasts < extract(epoch FROM quota_resets_at() - now()) THEN now() + lasts * interval '1 second'
        END AS runs_out_at,
        quota_resets_at() AS resets_at
    FROM source_plan p
    LEFT JOIN source_state s USING (source)
    LEFT JOIN request_quota q ON q.source = p.source AND q.key = p.key AND q.month = quota_month()
    CROSS JOIN LATERAL calls_per_cycle(p.source) AS calls
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p.credits IS NOT NULL THEN greatest(p.credits - coalesce(used, 0), 0) END AS remaining
    ) AS rest
    CROSS JOIN LATERAL (SELECT remaining / calls * p.interval_seconds AS lasts) AS pace
    WHERE coalesce(s.enabled, true)
    ORDER BY p.source
) AS quota
