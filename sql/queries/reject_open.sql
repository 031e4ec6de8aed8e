-- The next open records of a source, oldest first, each with the time of its fetch.
-- $1 source text, $2 after reject_id bigint, $3 run_id bigint (null: any), $4 reject_ids bigint[] (null: any),
-- $5 boolean: only those whose replay was asked for, $6 limit int
SELECT
    reject_id, q.run_id, q.raw_id, q.stream, q.position, q.record,
    coalesce(q.fetched_at, r.fetched_at, q.created_at) AS fetched_at
FROM etl_reject q
LEFT JOIN raw r ON r.source = q.source AND r.raw_id = q.raw_id
WHERE q.source = $1 AND q.reject_id > $2 AND q.replayed_at IS NULL
  AND ($3::bigint IS NULL OR q.run_id = $3)
  AND ($4::bigint[] IS NULL OR q.reject_id = ANY ($4))
  AND (NOT $5::boolean OR q.requested_at IS NOT NULL)
ORDER BY reject_id
LIMIT $6
