-- The differences seen between what sources are known to send and what they sent, as a JSON list: what waits for
-- somebody first (neither acknowledged nor resolved), the latest first.
-- $1 sources text[] (null: any), $2 acknowledged boolean (null: either), $3 resolved boolean (null: either), $4 limit bigint
SELECT coalesce(json_agg(drift), '[]')::text
FROM (
    SELECT
        source, kind, path, severity, confidence, expected, observed, renamed_to, sample, pages,
        first_seen_at, last_seen_at, first_run_id, last_run_id, acknowledged_at, resolved_at
    FROM schema_drift
    WHERE ($1::text[] IS NULL OR source = ANY ($1))
      AND ($2::boolean IS NULL OR (acknowledged_at IS NOT NULL) = $2)
      AND ($3::boolean IS NULL OR (resolved_at IS NOT NULL) = $3)
    ORDER BY acknowledged_at IS NOT NULL, resolved_at IS NOT NULL, last_seen_at DESC, source, kind, path
    LIMIT $4
) AS drift
