-- Keeps what changed.
-- $1 actor text, $2 jsonb: list of {asset_id, kind, source, coin_id, details}
INSERT INTO asset_event (asset_id, kind, source, coin_id, actor, details)
SELECT asset_id, kind, source, coin_id, $1, details
FROM jsonb_to_recordset($2::jsonb) AS told (asset_id text, kind text, source text, coin_id text, details jsonb)
