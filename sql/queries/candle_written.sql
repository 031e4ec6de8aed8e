-- The days of the ticks, of some records of a page, that the page has written.
-- $1 source text, $2 raw_id bigint, $3 coin_ids text[], $4 moments timestamptz[]
SELECT coin_id, day FROM written_days($1, $2, $3, $4)
