-- The listings of an asset.
-- $1 asset_id text
SELECT source, coin_id FROM asset_source WHERE asset_id = $1
