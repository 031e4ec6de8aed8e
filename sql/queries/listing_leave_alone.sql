-- A listing that has lost its last fellow is alone: what it was linked by is not there any more.
-- $1 asset_ids text[]
UPDATE asset_source AS left_over SET method = 'alone', confidence = 1, evidence = NULL, is_ambiguous = false, decided_at = now()
WHERE asset_id = ANY ($1)
  AND method NOT IN ('alone', 'manual')
  AND NOT EXISTS (
      SELECT FROM asset_source AS fellow
      WHERE fellow.asset_id = left_over.asset_id
        AND (fellow.source, fellow.coin_id) <> (left_over.source, left_over.coin_id)
  )
