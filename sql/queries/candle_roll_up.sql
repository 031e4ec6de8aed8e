-- Makes the candles of some days, each with its coin, what their ticks are now.
-- $1 source text, $2 coin_ids text[], $3 days timestamptz[], $4 how few ticks are read as quickly as candles int
SELECT roll_up($1, $2, $3, $4)
