-- The days of some coins whose candles a rebuild may have changed: those that are rolled up, and those of ticks that it
-- has derived.
-- $1 source text, $2 coin_ids text[]
SELECT known.coin_id, known.day
FROM (
    SELECT d.coin_id, d.day FROM candle_day AS d WHERE d.source = $1 AND d.coin_id = ANY ($2)
    UNION
    SELECT h.coin_id, date_bin('24 hours', h.observed_at, timestamptz 'epoch')
    FROM pg_temp.price_history AS h
    WHERE h.source = $1 AND h.coin_id = ANY ($2)
) AS known
JOIN candle_roll AS r ON r.source = $1 AND known.day < r.noted_before AND known.day >= r.dropped_before
