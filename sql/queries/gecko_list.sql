-- Every coin that a source lists, or has listed, as a JSON list in the order of the ids.
-- $1 source text, $2 boolean: those that two whole snapshots missed instead, $3 boolean: with their contracts
SELECT coalesce(json_agg(CASE WHEN $3 THEN with_platforms ELSE plain END ORDER BY coin_id), '[]')::text
FROM (
    SELECT
        c.coin_id,
        json_build_object('id', c.coin_id, 'symbol', coalesce(c.symbol, ''), 'name', c.name) AS plain,
        json_build_object(
            'id', c.coin_id, 'symbol', coalesce(c.symbol, ''), 'name', c.name, 'platforms', coalesce(contract.platforms, '{}')
        ) AS with_platforms
    FROM unified_crypto c
    LEFT JOIN (
        SELECT coin_id, json_object_agg(chain, address ORDER BY chain) AS platforms
        FROM coin_contract WHERE source = $1 AND $3
        GROUP BY coin_id
    ) AS contract USING (coin_id)
    WHERE c.source = $1
      AND $2 = EXISTS (
          SELECT FROM coin_absence a WHERE a.source = $1 AND a.coin_id = c.coin_id AND a.confirmed_by IS NOT NULL
      )
) AS coin
