-- Notes the coins of a source that a whole snapshot does not list: once when they are first missed, once when the next
-- whole snapshot misses them too.
-- $1 source text, $2 coin_ids text[]: those that it lists, $3 run_id bigint
INSERT INTO coin_absence AS known (source, coin_id, missed_by)
SELECT source, coin_id, $3
FROM unified_crypto
WHERE source = $1
  AND coin_id NOT IN (SELECT unnest($2::text[]))
  AND coin_id NOT IN (SELECT coin_id FROM coin_absence WHERE source = $1 AND confirmed_by IS NOT NULL)
ON CONFLICT (source, coin_id) DO UPDATE SET confirmed_by = excluded.missed_by, confirmed_at = now()
