-- How the coins of two snapshots differ, read from their raw pages, as a JSON object: exact counts, lists cut short.
-- Null where a page cannot be read.
-- $1 source text, $2 runs of the earlier snapshot bigint[], $3 runs of the later one bigint[],
-- $4 fields text[], $5 the upstream path of each text[], $6 fields in which 0 means unknown text[], $7 longest list bigint
WITH page AS MATERIALIZED (
    SELECT is_later, p.raw_id, page_records(coalesce(p.body, original.body)) AS records
    FROM (VALUES (false, $2::bigint[]), (true, $3::bigint[])) AS side (is_later, runs)
    JOIN raw p ON p.source = $1 AND p.run_id = ANY (runs)
    LEFT JOIN raw original ON original.source = p.source AND original.raw_id = p.same_as
), path AS MATERIALIZED (
    SELECT place, field, path, string_to_array(path, '.') AS steps, field = ANY ($6::text[]) AS zero_is_unknown
    FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS mapped (field, path, place)
), record AS MATERIALIZED (
    SELECT DISTINCT ON (is_later, coin_id)
        is_later, record, btrim(record #>> (SELECT steps FROM path WHERE field = 'coin_id')) AS coin_id
    FROM page CROSS JOIN jsonb_array_elements(records) WITH ORDINALITY AS listed (record, position)
    WHERE btrim(record #>> (SELECT steps FROM path WHERE field = 'coin_id')) <> ''
    ORDER BY is_later, coin_id, raw_id DESC, position DESC
), coin AS MATERIALIZED (
    SELECT
        is_later, coin_id,
        record #>> (SELECT steps FROM path WHERE field = 'name') AS name,
        record #>> (SELECT steps FROM path WHERE field = 'symbol') AS symbol,
        as_figure(record #>> (SELECT steps FROM path WHERE field = 'rank')) AS rank,
        as_figure(record #>> (SELECT steps FROM path WHERE field = 'price_usd')) AS price_usd
    FROM record
), pair AS MATERIALIZED (
    SELECT
        coin_id, b.name, b.symbol, a.rank AS rank_a, b.rank AS rank_b, b.rank - a.rank AS rank_change,
        a.price_usd AS price_usd_a, b.price_usd AS price_usd_b,
        round(100 * (b.price_usd / nullif(a.price_usd, 0) - 1), 6) AS price_change_percent
    FROM coin AS a JOIN coin AS b USING (coin_id)
    WHERE NOT a.is_later AND b.is_later
), single AS (
    SELECT is_later, json_build_object('coin_id', coin_id, 'name', name, 'symbol', symbol, 'rank', rank) AS coin,
        row_number() OVER (PARTITION BY is_later ORDER BY rank, coin_id) AS place
    FROM coin
    WHERE coin_id NOT IN (SELECT coin_id FROM pair)
), rank_move AS (
    SELECT to_json(pair) AS move, row_number() OVER (ORDER BY abs(rank_change) DESC, rank_b, coin_id) AS place
    FROM pair
    WHERE rank_change <> 0
), price_move AS (
    SELECT to_json(pair) AS move, price_change_percent::double precision AS percent,
        row_number() OVER (ORDER BY price_change_percent DESC, coin_id) AS place,
        row_number() OVER (ORDER BY price_change_percent, coin_id) AS place_from_below
    FROM pair
    WHERE price_change_percent IS NOT NULL
), blank AS (
    SELECT place, is_later, field, path, 100.0 * count(*) FILTER (WHERE is_blank) / count(*) AS percent
    FROM path CROSS JOIN record
    CROSS JOIN LATERAL (SELECT record #>> steps) AS found (value)
    CROSS JOIN LATERAL (
        SELECT coalesce(btrim(value) = '' OR (zero_is_unknown AND value ~ '^0(\.0*)?$'), true)
    ) AS judged (is_blank)
    GROUP BY place, is_later, field, path
), null_rate AS (
    SELECT field, path, round(a.percent, 3) AS a_percent, round(b.percent, 3) AS b_percent,
        round(b.percent - a.percent, 3) AS difference_percent
    FROM blank AS a JOIN blank AS b USING (place, field, path)
    WHERE NOT a.is_later AND b.is_later
    ORDER BY place
)
SELECT to_json(difference)::text
FROM (
    SELECT
        (SELECT count(*) FROM coin WHERE NOT is_later) AS a_coins,
        (SELECT count(*) FROM coin WHERE is_later) AS b_coins,
        (
            SELECT json_build_object('count', count(*),
                'coins', coalesce(json_agg(coin ORDER BY place) FILTER (WHERE place <= $7), '[]'))
            FROM single WHERE is_later
        ) AS gained,
        (
            SELECT json_build_object('count', count(*),
                'coins', coalesce(json_agg(coin ORDER BY place) FILTER (WHERE place <= $7), '[]'))
            FROM single WHERE NOT is_later
        ) AS lost,
        (
            SELECT json_build_object('count', count(*),
                'largest', coalesce(json_agg(move ORDER BY place) FILTER (WHERE place <= $7), '[]'))
            FROM rank_move
        ) AS rank_moves,
        (
            SELECT json_build_object('count', count(*),
                'median_percent', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY percent))::numeric, 6),
                'p5_percent', round((percentile_cont(0.05) WITHIN GROUP (ORDER BY percent))::numeric, 6),
                'p95_percent', round((percentile_cont(0.95) WITHIN GROUP (ORDER BY percent))::numeric, 6),
                'up_percent', round(100.0 * count(*) FILTER (WHERE percent > 0) / nullif(count(*), 0), 3),
                'down_percent', round(100.0 * count(*) FILTER (WHERE percent < 0) / nullif(count(*), 0), 3),
                'highest', coalesce(json_agg(move ORDER BY place) FILTER (WHERE place <= $7), '[]'),
                'lowest', coalesce(json_agg(move ORDER BY place_from_below) FILTER (WHERE place_from_below <= $7), '[]'))
            FROM price_move
        ) AS price_moves,
        (SELECT coalesce(json_agg(null_rate), '[]') FROM null_rate) AS null_rates
) AS difference
WHERE NOT EXISTS (SELECT FROM page WHERE records IS NULL)
