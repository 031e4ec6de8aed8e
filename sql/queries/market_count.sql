-- How many coins hold a text in their name, symbol or id; no more than a bound are counted.
-- $1 source text (null: any), $2 text (empty: any), $3 bound bigint
SELECT count(*)
FROM (
    SELECT FROM unified_crypto
    WHERE ($1::text IS NULL OR source = $1)
      AND ($2::text = '' OR strpos(lower(concat_ws(' ', name, symbol, coin_id)), lower($2)) > 0)
    LIMIT $3
) AS coin
