-- The last close before a time, of the last day before it of which anything is known.
-- $1 sources text[], $2 coin_ids text[]: the listings, $3 step interval, $4 before timestamptz,
-- $5 how often the highest of closes that agree holds the lowest numeric
SELECT close_usd
FROM (
    SELECT date_bin('24 hours', max(ends.last), timestamptz 'epoch') AS day
    FROM unnest($1::text[], $2::text[]) AS listing (source, coin_id)
    CROSS JOIN LATERAL listing_ends(listing.source, listing.coin_id, $4) AS ends
) AS known
CROSS JOIN LATERAL asset_candles($1, $2, $3, known.day, least($4, known.day + interval '24 hours'), $5, NULL, NULL)
WHERE close_usd IS NOT NULL
ORDER BY opened_at DESC
LIMIT 1
