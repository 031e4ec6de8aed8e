-- The listings of an asset, or of the one that took it over, and the first and the last day of which anything is known.
-- $1 asset_id text, $2 source text (null: all)
SELECT
    known.asset_id,
    array_remove(array_agg(listing.source ORDER BY listing.source, listing.coin_id), NULL) AS sources,
    array_remove(array_agg(listing.coin_id ORDER BY listing.source, listing.coin_id), NULL) AS coin_ids,
    date_bin('24 hours', min(ends.first), timestamptz 'epoch') AS first_day,
    date_bin('24 hours', max(ends.last), timestamptz 'epoch') AS last_day
FROM (SELECT coalesce(merged_into, asset_id) AS asset_id FROM asset WHERE asset_id = $1) AS known
LEFT JOIN asset_source AS listing
    ON listing.asset_id = known.asset_id AND ($2::text IS NULL OR listing.source = $2)
CROSS JOIN LATERAL listing_ends(listing.source, listing.coin_id, 'infinity') AS ends
GROUP BY known.asset_id
