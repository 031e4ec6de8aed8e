-- The ids of all assets that there ever were.
SELECT asset_id FROM asset
