-- How many of the latest rows match, and whether they were counted.
-- $1 sources, $2 symbols, $3 ids text[], $4 rank_lte int, $5 price_gte numeric, $6 updated_since, $7 observed_since
-- timestamptz, $8 q text, $9 asset_ids text[] (null: any)
SELECT total, is_exact FROM coin_total($1, $2, $3, $4, $5, $6, $7, $8, $9)
