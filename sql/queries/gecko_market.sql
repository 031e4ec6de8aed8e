-- How coins stand, as a JSON list of what CoinGecko's /coins/markets tells; and the units whose rate nobody holds.
-- What a row does not keep is taken from the record that it came from, if its page is one of the newest 40 of the list.
-- $1 source text, $2 coin ids, $3 names, $4 symbols text[] (lower case; null: any), $5 every token of a symbol boolean,
-- $6 units text[] (one), $7 text[]: the coin that it counts (null: the US dollar), $8 numeric[]: units in one coin,
-- $9 digits of prices behind the point int (null: all),
-- $10 order text: market_cap, volume or id, with _asc or _desc, $11 limit int, $12 offset bigint,
-- $13 windows of price changes text[], $14 boolean: with the hourly prices of a week
WITH unit AS MATERIALIZED (
    SELECT
        asked.code, asked.coin_id IS NULL AS is_dollar, coin.coin_id, coin.price_usd, coin.observed_at,
        CASE WHEN asked.coin_id IS NULL THEN 1 ELSE coin.price_usd / asked.scale END AS rate,
        CASE WHEN asked.coin_id IS NULL THEN 0 ELSE coin.price_change_24h_percent END AS change
    FROM unnest($6::text[], $7::text[], $8::numeric[]) AS asked (code, coin_id, scale)
    LEFT JOIN coins_listed($1, $7, NULL, NULL, true) AS coin ON coin.coin_id = asked.coin_id AND coin.price_usd > 0
),
picked AS MATERIALIZED (
    SELECT coin.*, row_number() OVER (ORDER BY
        CASE $10::text
            WHEN 'market_cap_asc' THEN market_cap_usd
            WHEN 'market_cap_desc' THEN -market_cap_usd
            WHEN 'volume_asc' THEN volume_24h_usd
            WHEN 'volume_desc' THEN -volume_24h_usd
        END,
        CASE WHEN $10 = 'id_desc' THEN coin_id END DESC,
        coin_id
    ) AS place
    FROM coins_listed($1, $2, $3, $4, $5) AS coin
    ORDER BY place
    LIMIT $11 OFFSET $12
),
page AS MATERIALIZED (
    SELECT raw.raw_id, page_records(coalesce(raw.body, original.body)) AS records
    FROM (SELECT DISTINCT raw_id FROM picked ORDER BY raw_id DESC LIMIT 40) AS wanted
    JOIN raw ON raw.source = $1 AND raw.raw_id = wanted.raw_id
    LEFT JOIN raw AS original ON original.source = $1 AND original.raw_id = raw.same_as
),
spoken AS MATERIALIZED (
    SELECT picked.*, CASE WHEN record ->> 'id' = coin_id THEN record END AS record
    FROM picked
    LEFT JOIN page USING (raw_id)
    CROSS JOIN LATERAL (SELECT page.records -> picked.raw_position AS record) AS cut
),
told AS MATERIALIZED (
    SELECT
        spoken.*, unit.rate, unit.is_dollar, in_unit(spoken.price_usd, rate) AS price, in_unit(market_cap_usd, rate) AS cap,
        change_in_unit(price_change_24h_percent, change) AS day,
        change_in_unit(as_number(record -> 'market_cap_change_percentage_24h'), change) AS cap_day
    FROM spoken
    CROSS JOIN unit
)
SELECT
    (
        SELECT concat('[', string_agg(concat(left(row_to_json(market)::text, -1), week.text, spans.text, '}'), ',' ORDER BY place), ']')
        FROM told
        CROSS JOIN LATERAL (
            SELECT
                coin_id AS id, coalesce(symbol, '') AS symbol, name,
                coalesce(record ->> 'image', 'missing_large.png') AS image,
                in_digits(price, $9) AS current_price, cap AS market_cap, rank AS market_cap_rank,
                in_unit(fully_diluted_valuation_usd, rate) AS fully_diluted_valuation,
                in_unit(volume_24h_usd, rate) AS total_volume,
                CASE WHEN is_dollar THEN in_digits(high_usd, $9) END AS high_24h,
                CASE WHEN is_dollar THEN in_digits(low_usd, $9) END AS low_24h,
                in_digits(coalesce(
                    CASE WHEN is_dollar THEN as_number(record -> 'price_change_24h') END,
                    CASE WHEN day > -100 THEN trim_scale(price - price / (1 + day / 100)) END
                ), $9) AS price_change_24h,
                day AS price_change_percentage_24h,
                coalesce(
                    CASE WHEN is_dollar THEN as_number(record -> 'market_cap_change_24h') END,
                    CASE WHEN cap_day > -100 THEN trim_scale(cap - cap / (1 + cap_day / 100)) END
                ) AS market_cap_change_24h,
                cap_day AS market_cap_change_percentage_24h,
                circulating_supply, total_supply, max_supply,
                CASE WHEN is_dollar THEN in_digits(ath_usd, $9) END AS ath,
                CASE WHEN is_dollar THEN coalesce(
                    as_number(record -> 'ath_change_percentage'), round((price / nullif(ath_usd, 0) - 1) * 100, 5)
                ) END AS ath_change_percentage,
                CASE WHEN is_dollar THEN as_moment(ath_at) END AS ath_date,
                CASE WHEN is_dollar THEN in_digits(atl_usd, $9) END AS atl,
                CASE WHEN is_dollar THEN coalesce(
                    as_number(record -> 'atl_change_percentage'), round((price / nullif(atl_usd, 0) - 1) * 100, 5)
                ) END AS atl_change_percentage,
                CASE WHEN is_dollar THEN as_moment(atl_at) END AS atl_date,
                CASE WHEN jsonb_typeof(record -> 'roi') = 'object' THEN record -> 'roi' END AS roi,
                as_moment(source_updated_at) AS last_updated
        ) AS market
        CROSS JOIN LATERAL (
            SELECT CASE WHEN $14::boolean THEN concat(
                ',"sparkline_in_7d":{"price":', coalesce(json_agg(in_unit(price_usd, rate) ORDER BY hour), '[]'), '}'
            ) END AS text
            FROM (
                SELECT DISTINCT ON (hour) date_trunc('hour', tick.observed_at) AS hour, tick.price_usd
                FROM price_history AS tick
                WHERE $14 AND tick.coin_id = told.coin_id AND tick.source = $1
                  AND tick.observed_at > told.observed_at - interval '7 days' AND tick.observed_at <= told.observed_at
                ORDER BY hour, tick.observed_at DESC
            ) AS hourly
        ) AS week
        CROSS JOIN LATERAL (
            SELECT string_agg(
                concat(',"price_change_percentage_', span.code, '_in_currency":', coalesce(since.change::text, 'null')), ''
                ORDER BY span.length
            ) AS text
            FROM (VALUES
                ('1h', interval '1 hour'), ('24h', interval '24 hours'), ('7d', interval '7 days'), ('14d', interval '14 days'),
                ('30d', interval '30 days'), ('200d', interval '200 days'), ('1y', interval '365 days')
            ) AS span (code, length)
            CROSS JOIN unit
            CROSS JOIN LATERAL (
                SELECT CASE WHEN span.code = '24h' THEN day ELSE change_in_unit(
                    change_over($1, told.coin_id, told.price_usd, told.observed_at, span.length),
                    CASE WHEN unit.is_dollar THEN 0 ELSE change_over($1, unit.coin_id, unit.price_usd, unit.observed_at, span.length) END
                ) END AS change
            ) AS since
            WHERE span.code = ANY ($13::text[])
        ) AS spans
    ) AS market,
    ARRAY(SELECT code FROM unit WHERE rate IS NULL) AS unknown
