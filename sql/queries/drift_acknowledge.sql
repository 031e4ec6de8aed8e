-- Notes that somebody has looked at drifts of a source; answers how many were new to them.
-- $1 source text, $2 kind text (null: any), $3 path text (null: any)
WITH acknowledged AS (
    UPDATE schema_drift SET acknowledged_at = now()
    WHERE source = $1
      AND ($2::text IS NULL OR kind = $2)
      AND ($3::text IS NULL OR path = $3)
      AND acknowledged_at IS NULL
    RETURNING 1
)
SELECT count(*) FROM acknowledged
