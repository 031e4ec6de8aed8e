-- The latest quarantined records as a JSON list, newest first, how many they are and the last; a long one is shortened.
-- $1 sources text[], $2 run_id bigint, $3 quarantined since timestamptz, $4 and before timestamptz,
-- $5 is_open boolean, $6 path text: of a reason, or of its column where the path is a line of a file,
-- $7 before reject_id bigint (each null: any), $8 limit bigint
SELECT count(*), coalesce(min(reject_id), 0), coalesce(json_agg(reject), '[]')::text
FROM (
    SELECT
        reject_id, source, run_id, raw_id, stream, position,
        left(record, 2000) AS record, length(record) > 2000 AS is_shortened, reasons, created_at,
        CASE WHEN replayed_at IS NULL THEN 'open' ELSE 'replayed' END AS state,
        fetched_at, requested_at, replayed_at, outcome
    FROM etl_reject
    WHERE ($1::text[] IS NULL OR source = ANY ($1))
      AND ($2::bigint IS NULL OR run_id = $2)
      AND ($3::timestamptz IS NULL OR created_at >= $3)
      AND ($4::timestamptz IS NULL OR created_at < $4)
      AND ($5::boolean IS NULL OR (replayed_at IS NULL) = $5)
      AND ($6::text IS NULL OR EXISTS (
          SELECT FROM jsonb_array_elements(reasons) AS reason
          WHERE $6 IN (reason ->> 'path', regexp_replace(reason ->> 'path', '^line \d+: ', ''))
      ))
      AND ($7::bigint IS NULL OR reject_id < $7)
    ORDER BY reject_id DESC
    LIMIT $8
) AS reject
