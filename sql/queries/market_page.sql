-- One page of the market, for people: coins whose name, symbol or id holds a text, in one of a few orders, and since
-- when whole snapshots of their source miss them.
-- $1 source text (null: any), $2 text (empty: any), $3 order text: a column, with a minus for the greatest first,
-- $4 limit bigint, $5 offset bigint
-- The plan is made for the parameters at hand: of the order, one column is left to it.
SELECT
    coin.source, coin.coin_id, name, symbol, rank, price_usd, price_change_24h_percent, market_cap_usd, volume_24h_usd,
    observed_at, missed_at
FROM unified_crypto AS coin
LEFT JOIN coin_absence AS absence
    ON absence.source = coin.source AND absence.coin_id = coin.coin_id AND confirmed_at IS NOT NULL
WHERE ($1::text IS NULL OR coin.source = $1)
  AND ($2::text = '' OR strpos(lower(concat_ws(' ', name, symbol, coin.coin_id)), lower($2)) > 0)
ORDER BY
    CASE $3::text WHEN 'rank' THEN rank WHEN '-rank' THEN -rank END,
    CASE $3 WHEN 'name' THEN lower(name) END,
    CASE $3 WHEN '-name' THEN lower(name) END DESC,
    CASE $3
        WHEN 'price_usd' THEN price_usd
        WHEN '-price_usd' THEN -price_usd
        WHEN 'price_change_24h_percent' THEN price_change_24h_percent
        WHEN '-price_change_24h_percent' THEN -price_change_24h_percent
        WHEN 'market_cap_usd' THEN market_cap_usd
        WHEN '-market_cap_usd' THEN -market_cap_usd
        WHEN 'volume_24h_usd' THEN volume_24h_usd
        WHEN '-volume_24h_usd' THEN -volume_24h_usd
    END,
    rank, market_cap_usd DESC NULLS LAST, coin.source, coin.coin_id
LIMIT $4 OFFSET $5
