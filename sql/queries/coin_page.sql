-- A page of the latest rows, each as JSON with its place in the order; backward, the nearest row comes first.
-- $1 sources, $2 symbols, $3 ids text[], $4 rank_lte int, $5 price_gte numeric, $6 updated_since, $7 observed_since
-- timestamptz, $8 q text, $9 asset_ids text[] (null: any); $10 fields text[], $11 sort text[], $12 after text[] (null: from the beginning),
-- $13 is_backward boolean, $14 skipped int, $15 limit int
SELECT coin, keys FROM coin_page($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
