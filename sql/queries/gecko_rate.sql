-- What some units are worth in US dollars now, in their order; those without a price are left out.
-- $1 source text, $2 units text[], $3 text[]: the coin that each counts (null: the US dollar), $4 numeric[]: units in one coin
SELECT asked.code, CASE WHEN asked.coin_id IS NULL THEN 1 ELSE coin.price_usd / asked.scale END AS rate
FROM unnest($2::text[], $3::text[], $4::numeric[]) WITH ORDINALITY AS asked (code, coin_id, scale, place)
LEFT JOIN coins_listed($1, $3, NULL, NULL, true) AS coin ON coin.coin_id = asked.coin_id AND coin.price_usd > 0
WHERE asked.coin_id IS NULL OR coin.coin_id IS NOT NULL
ORDER BY asked.place
