-- What each source has done over all its runs, as a JSON list by name; also of sources that are declared no more.
SELECT coalesce(json_agg(stats), '[]')::text
FROM (
    SELECT
        source,
        coalesce(sum(fetched - rejected), 0) AS records_processed,
        coalesce(sum(rejected), 0) AS records_failed,
        max(finished_at) FILTER (WHERE is_success) AS last_success,
        max(finished_at) FILTER (WHERE status IN ('failed', 'abandoned')) AS last_failure,
        (array_agg(round(extract(epoch FROM finished_at - started_at), 3) ORDER BY run_id DESC)
            FILTER (WHERE finished_at IS NOT NULL))[1] AS last_run_duration_seconds,
        count(run_id) AS total_runs,
        round(100.0 * count(*) FILTER (WHERE is_success) / nullif(count(finished_at), 0), 2) AS success_rate
    FROM source_state
    FULL JOIN (SELECT *, status IN ('success', 'partial') AS is_success FROM etl_cycle) AS run USING (source)
    GROUP BY source
    ORDER BY source
) AS stats
