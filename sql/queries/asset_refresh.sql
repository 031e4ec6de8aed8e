-- Brings assets in line with their listings: the name of the first source that gives a ticker, how many there are, and
-- whether one is ambiguous. An asset that has none left keeps its name.
-- $1 asset_ids text[], $2 text[]: assets in which a listing was renamed, $3 text[]: what each was called before
UPDATE asset AS known SET
    name = coalesce(leader.name, known.name),
    symbol = CASE WHEN leader.name IS NULL THEN known.symbol ELSE upper(leader.symbol) END,
    sources = coalesce(held.sources, 0),
    is_ambiguous = coalesce(held.is_ambiguous, false),
    former_names = former.names,
    updated_at = now()
FROM unnest($1::text[]) AS touched (asset_id)
LEFT JOIN LATERAL (
    SELECT count(*) AS sources, bool_or(is_ambiguous) AS is_ambiguous, array_agg(name) AS names
    FROM asset_source WHERE asset_id = touched.asset_id
) AS held ON true
LEFT JOIN LATERAL (
    SELECT name, symbol FROM asset_source WHERE asset_id = touched.asset_id
    ORDER BY symbol IS NULL, source, coin_id
    LIMIT 1
) AS leader ON true
CROSS JOIN LATERAL (
    SELECT ARRAY(
        SELECT DISTINCT name
        FROM (
            SELECT unnest(former_names) FROM asset WHERE asset_id = touched.asset_id
            UNION ALL
            SELECT name FROM unnest($2::text[], $3::text[]) AS renamed (asset_id, name) WHERE renamed.asset_id = touched.asset_id
        ) AS known_by (name)
        WHERE name <> ALL (coalesce(held.names, '{}'))
        ORDER BY name
    ) AS names
) AS former
WHERE known.asset_id = touched.asset_id
  AND (known.name, known.symbol, known.sources, known.is_ambiguous, known.former_names) IS DISTINCT FROM (
      coalesce(leader.name, known.name), CASE WHEN leader.name IS NULL THEN known.symbol ELSE upper(leader.symbol) END,
      coalesce(held.sources, 0), coalesce(held.is_ambiguous, false), former.names
  )
