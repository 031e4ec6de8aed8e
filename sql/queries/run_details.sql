-- One run as a JSON object, with its whole ledger and the checkpoints that it was the last to move.
-- $1 run_id bigint
SELECT to_json(run)::text
FROM (
    SELECT
        run_id, source AS source_name, status,
        fetched - rejected AS records_processed, rejected AS records_failed,
        round(extract(epoch FROM finished_at - started_at), 3) AS duration_seconds,
        started_at, finished_at AS completed_at, error_message, simulated, flags,
        error_kind, trigger, scheduled_for, requested_at, cancel_requested_at, resumed_from,
        coins, pages, requests, retries, waited_seconds,
        (
            SELECT to_json(waits)
            FROM (SELECT waited_seconds - backoff_seconds AS rate_limit_seconds, backoff_seconds) AS waits
        ) AS waits,
        (
            SELECT to_json(ledger)
            FROM (SELECT fetched, inserted, updated, unchanged, stale, rejected, duplicate) AS ledger
        ) AS ledger,
        (
            SELECT coalesce(json_agg(checkpoint ORDER BY stream), '[]')
            FROM (
                SELECT stream, page, cursor, updated_at
                FROM etl_checkpoint c
                WHERE c.source = r.source AND c.run_id = r.run_id
            ) AS checkpoint
        ) AS checkpoints
    FROM etl_run r
    WHERE run_id = $1
) AS run
