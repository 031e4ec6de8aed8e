-- Notes days, each with its coin, that are to be rolled up again.
-- $1 source text, $2 coin_ids text[], $3 days timestamptz[]
INSERT INTO candle_due (source, coin_ids, days) VALUES ($1, $2, $3)
