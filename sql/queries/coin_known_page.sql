-- A page of the latest rows as they were known at a moment, each as JSON with its place in the order; backward, the
-- nearest row comes first.
-- $1 moment timestamptz, $2 sources, $3 symbols, $4 ids text[], $5 price_gte numeric, $6 q text, $7 asset_ids text[]
-- (null: any); $8 fields text[], $9 sort text[], $10 after text[] (null: from the beginning), $11 is_backward boolean,
-- $12 limit int
SELECT coin, keys FROM coin_page_known($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
