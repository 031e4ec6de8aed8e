-- All names under which a coin of a source may be asked for.
-- $1 source text
SELECT coin_id FROM unified_crypto WHERE source = $1
UNION
SELECT asset_id FROM asset_source WHERE source = $1
