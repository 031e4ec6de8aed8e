-- The listings that are in no asset yet, or are called otherwise than when they were put there, or are in doubt about
-- one of which a person has said since that it stands alone.
SELECT u.source, u.coin_id
FROM unified_crypto u
LEFT JOIN asset_source a USING (source, coin_id)
WHERE a.coin_id IS NULL OR (a.name, a.symbol) IS DISTINCT FROM (u.name, u.symbol)
   OR a.is_ambiguous AND EXISTS (
       SELECT FROM jsonb_to_recordset(a.candidates) AS candidate (source text, coin_id text)
       JOIN asset_source AS other USING (source, coin_id)
       JOIN asset ON asset.asset_id = other.asset_id
       WHERE other.method = 'manual' AND asset.sources = 1
   )
