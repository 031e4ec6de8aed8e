-- A listing: what it is called, where it is, how it came there, and whether that is in doubt.
-- $1 source text, $2 coin_id text
SELECT u.name, u.symbol, a.asset_id, a.method, a.is_ambiguous
FROM unified_crypto u
LEFT JOIN asset_source a USING (source, coin_id)
WHERE u.source = $1 AND u.coin_id = $2
