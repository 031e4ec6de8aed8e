-- The latest quarantined records as a JSON list, newest first; a long record is shortened.
-- $1 sources text[] (null: any), $2 run_id bigint (null: any), $3 limit bigint
SELECT coalesce(json_agg(reject), '[]')::text
FROM (
    SELECT
        reject_id, source, run_id, raw_id, stream, position,
        left(record, 2000) AS record, length(record) > 2000 AS is_shortened, reasons, created_at
    FROM etl_reject
    WHERE ($1::text[] IS NULL OR source = ANY ($1))
      AND ($2::bigint IS NULL OR run_id = $2)
    ORDER BY reject_id DESC
    LIMIT $3
) AS reject
