-- Notes what listings that stay where they are are called now, and whether that is in doubt.
-- $1 jsonb: list of {source, coin_id, name, symbol, is_ambiguous}
UPDATE asset_source AS known SET
    name = told.name, symbol = told.symbol, is_ambiguous = told.is_ambiguous, candidates = '[]'
FROM jsonb_to_recordset($1::jsonb) AS told (source text, coin_id text, name text, symbol text, is_ambiguous boolean)
WHERE known.source = told.source AND known.coin_id = told.coin_id
  AND (known.name, known.symbol, known.is_ambiguous) IS DISTINCT FROM (told.name, told.symbol, told.is_ambiguous)
