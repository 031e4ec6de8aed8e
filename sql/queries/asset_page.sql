-- Assets behind one, in the order of their ids, as a JSON list; and the last id, behind which the next page begins.
-- $1 after text, $2 q text, $3 ambiguous boolean, $4 sources_gte int (null: any), $5 limit bigint
SELECT coalesce(json_agg(asset ORDER BY asset_id), '[]')::text AS assets, max(asset_id) AS last, count(*) AS number
FROM (
    SELECT
        asset_id, name, symbol, former_names, sources, is_ambiguous AS ambiguous,
        (
            SELECT json_agg(listing ORDER BY source, coin_id)
            FROM (
                SELECT source, coin_id, method, confidence FROM asset_source AS placed
                WHERE placed.asset_id = asset.asset_id
            ) AS listing
        ) AS listings
    FROM asset
    WHERE sources > 0
      AND ($1::text IS NULL OR asset_id > $1)
      AND (
          $2::text IS NULL OR asset_id = lower($2) OR lower(symbol) = lower($2) OR strpos(lower(name), lower($2)) > 0
          OR EXISTS (SELECT FROM unnest(former_names) AS former WHERE strpos(lower(former), lower($2)) > 0)
      )
      AND ($3::boolean IS NULL OR is_ambiguous = $3)
      AND ($4::integer IS NULL OR sources >= $4)
    ORDER BY asset_id
    LIMIT $5
) AS asset
