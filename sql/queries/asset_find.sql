-- An asset, or the one that took it over.
-- $1 asset_id text
SELECT coalesce(merged_into, asset_id) AS asset_id
FROM asset
WHERE asset_id = $1
