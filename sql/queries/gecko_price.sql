-- Figures of some coins in some units, as a JSON object: coin -> figures; and the units whose rate nobody holds.
-- $1 source text, $2 coin ids, $3 names, $4 symbols text[] (lower case; null: any), $5 every token of a symbol boolean,
-- $6 units text[], $7 text[]: the coin that each unit counts (null: the US dollar), $8 numeric[]: units in one coin,
-- $9 figures text[] beside the price: _market_cap, _24h_vol, _24h_change, last_updated_at,
-- $10 digits of the price behind the point int (null: all)
WITH unit AS MATERIALIZED (
    SELECT
        asked.place, asked.code,
        CASE WHEN asked.coin_id IS NULL THEN 1 ELSE coin.price_usd / asked.scale END AS rate,
        CASE WHEN asked.coin_id IS NULL THEN 0 ELSE coin.price_change_24h_percent END AS change
    FROM unnest($6::text[], $7::text[], $8::numeric[]) WITH ORDINALITY AS asked (code, coin_id, scale, place)
    LEFT JOIN coins_listed($1, $7, NULL, NULL, true) AS coin ON coin.coin_id = asked.coin_id AND coin.price_usd > 0
)
SELECT
    (
        SELECT coalesce(json_object_agg(coin_id, figures ORDER BY coin_id), '{}')::text
        FROM (
            SELECT coin.coin_id, json_object_agg(figure.name, figure.value ORDER BY figure.place, figure.number) AS figures
            FROM coins_listed($1, $2, $3, $4, $5) AS coin
            CROSS JOIN LATERAL (
                SELECT place, number, code || suffix AS name, value
                FROM unit
                CROSS JOIN LATERAL (
                    VALUES
                        (1, '', in_digits(in_unit(coin.price_usd, rate), $10::int)),
                        (2, '_market_cap', in_unit(coin.market_cap_usd, rate)),
                        (3, '_24h_vol', in_unit(coin.volume_24h_usd, rate)),
                        (4, '_24h_change', change_in_unit(coin.price_change_24h_percent, change))
                ) AS each (number, suffix, value)
                WHERE number = 1 OR suffix = ANY ($9::text[])
                UNION ALL
                SELECT 1000, 5, 'last_updated_at', floor(extract(epoch FROM coin.source_updated_at))
                WHERE 'last_updated_at' = ANY ($9)
            ) AS figure
            GROUP BY coin.coin_id
        ) AS priced
    ) AS prices,
    ARRAY(SELECT code FROM unit WHERE rate IS NULL ORDER BY place) AS unknown
