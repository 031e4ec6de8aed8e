-- The latest runs as a JSON list, newest first.
-- $1 sources text[] (null: any), $2 limit bigint
SELECT coalesce(json_agg(run), '[]')::text
FROM (
    SELECT
        run_id, source AS source_name, status,
        fetched - rejected AS records_processed, rejected AS records_failed,
        round(extract(epoch FROM finished_at - started_at), 3) AS duration_seconds,
        started_at, finished_at AS completed_at, error_message, simulated, flags
    FROM etl_run
    WHERE $1::text[] IS NULL OR source = ANY ($1)
    ORDER BY run_id DESC
    LIMIT $2
) AS run
