-- The runs that ended after a moment, each as a JSON object as in run_list, the first that ended first; of too many, the
-- latest. A source's runs end in the order of their ids, so that only the latest of each are looked at.
-- $1 since timestamptz, $2 limit bigint
SELECT * FROM (
    SELECT run.run_id, run.source, finished_at, to_json(told)::text AS told
    FROM source_state
    CROSS JOIN LATERAL (
        SELECT * FROM etl_run r WHERE r.source = source_state.source ORDER BY run_id DESC LIMIT $2
    ) AS run
    CROSS JOIN LATERAL (
        SELECT
            run.run_id, run.source AS source_name, status,
            fetched - rejected AS records_processed, rejected AS records_failed,
            round(extract(epoch FROM finished_at - started_at), 3) AS duration_seconds,
            started_at, finished_at AS completed_at, error_message, run.simulated, flags
    ) AS told
    WHERE finished_at > $1
    ORDER BY finished_at DESC, run.run_id DESC
    LIMIT $2
) AS latest
ORDER BY finished_at, run_id
