-- The listings that are in no asset yet, or are called otherwise than when they were put there.
SELECT u.source, u.coin_id
FROM unified_crypto u
LEFT JOIN asset_source a USING (source, coin_id)
WHERE a.coin_id IS NULL OR (a.name, a.symbol) IS DISTINCT FROM (u.name, u.symbol)
