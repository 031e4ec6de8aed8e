-- What the last good runs of a source before a given one came to, newest first; those that went on where another had
-- stopped are left out.
-- $1 source text, $2 run_id bigint, $3 limit bigint
SELECT
    extract(epoch FROM finished_at - started_at)::double precision AS duration_seconds,
    (fetched - rejected)::double precision AS records_processed,
    rejected::double precision AS records_failed,
    requests::double precision AS requests,
    retries::double precision AS retries
FROM etl_cycle
WHERE source = $1 AND run_id < $2 AND status IN ('success', 'partial') AND resumed_from IS NULL
ORDER BY run_id DESC
LIMIT $3
