-- Asks for the replay of open records; answers how many.
-- $1 source text (null: any), $2 run_id bigint (null: any), $3 reject_ids bigint[] (null: any)
WITH asked AS (
    UPDATE etl_reject SET requested_at = now()
    WHERE replayed_at IS NULL
      AND ($1::text IS NULL OR source = $1)
      AND ($2::bigint IS NULL OR run_id = $2)
      AND ($3::bigint[] IS NULL OR reject_id = ANY ($3))
    RETURNING 1
)
SELECT count(*) FROM asked
