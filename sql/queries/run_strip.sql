-- The last runs of each source, by source, the oldest first.
-- $1 how many of each bigint
SELECT
    run.source, run_id, status, started_at, fetched - rejected AS records, rejected, error_message,
    extract(epoch FROM finished_at - started_at)::double precision AS seconds
FROM source_state
CROSS JOIN LATERAL (
    SELECT * FROM etl_cycle r WHERE r.source = source_state.source ORDER BY run_id DESC LIMIT $1
) AS run
ORDER BY run.source, run_id
