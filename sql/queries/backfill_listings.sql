-- What a source calls a coin that somebody named by its asset, or by the source's own id: first by the asset. Of several
-- listings that a source has in an asset, the one that was observed last speaks for it.
-- $1 source text, $2 text: an asset_id or a coin_id
(
    SELECT u.coin_id, u.name
    FROM asset
    JOIN asset_source placed ON placed.asset_id = coalesce(asset.merged_into, asset.asset_id) AND placed.source = $1
    JOIN unified_crypto u ON u.source = placed.source AND u.coin_id = placed.coin_id
    WHERE asset.asset_id = $2
    ORDER BY u.observed_at DESC, u.coin_id
    LIMIT 1
)
UNION ALL
SELECT coin_id, name FROM unified_crypto WHERE source = $1 AND coin_id = $2
