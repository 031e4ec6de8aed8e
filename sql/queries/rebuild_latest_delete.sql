-- Deletes the latest rows of some coins that are not what was derived; answers how many there are to be written anew,
-- and how many not.
-- As text, since two figures of the same value may have other digits.
-- $1 source text, $2 coin_ids text[]
WITH gone AS (
    DELETE FROM unified_crypto u
    WHERE source = $1 AND coin_id = ANY ($2)
      AND NOT EXISTS (
          SELECT FROM pg_temp.unified_crypto d
          WHERE d.source = $1 AND d.coin_id = u.coin_id
            AND (to_jsonb(d) - 'updated_at')::text = (to_jsonb(u) - 'updated_at')::text
      )
    RETURNING coin_id
)
SELECT count(d.coin_id) AS replaced, count(*) - count(d.coin_id) AS removed
FROM gone LEFT JOIN pg_temp.unified_crypto d ON d.source = $1 AND d.coin_id = gone.coin_id
