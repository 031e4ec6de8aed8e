-- Where each source stands, as one JSON object by name.
-- A run that says it is running, while nobody holds its source under its fence, has died with its process.
SELECT coalesce(json_object_agg(source_state.source, to_json(health) ORDER BY source_state.source), '{}')::text
FROM source_state
LEFT JOIN source_plan AS paced ON paced.source = source_state.source
LEFT JOIN LATERAL (
    SELECT *, status = 'running' AND NOT EXISTS (
        SELECT FROM source_lease l
        WHERE l.source = r.source AND l.fence = r.fence AND session_lives(l.backend_pid, l.backend_start)
    ) AS is_orphan
    FROM etl_cycle r
    WHERE r.source = source_state.source
    ORDER BY run_id DESC
    LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT finished_at
    FROM etl_cycle r
    WHERE r.source = source_state.source AND r.status IN ('success', 'partial')
    ORDER BY run_id DESC
    LIMIT 1
) AS success ON true
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN last.status = 'running' AND NOT last.is_orphan THEN 'running'
            WHEN is_parked THEN 'parked'
            WHEN last.status IS NULL THEN 'never_run'
            WHEN last.status IN ('success', 'partial') THEN last.status
            ELSE 'failed'
        END AS last_run_status,
        coalesce(last.finished_at, last.started_at) AS last_run_time,
        greatest(success.finished_at, checked_at) AS last_success,
        greatest(last.started_at, checked_at) AS last_attempt,
        coalesce(last.fetched - last.rejected, 0) AS records_processed,
        CASE WHEN enabled THEN next_run_at END AS next_run_at,
        CASE
            WHEN reason IS NOT NULL THEN reason
            WHEN last.is_orphan THEN 'the process that ran it ended'
            ELSE last.error_message
        END AS reason,
        enabled,
        coalesce(
            greatest(success.finished_at, checked_at)
                < now() - 2 * coalesce(paced.interval_seconds, source_state.interval_seconds) * interval '1 second',
            false
        ) AS stale,
        source_state.simulated,
        source_state.interval_seconds
) AS health
