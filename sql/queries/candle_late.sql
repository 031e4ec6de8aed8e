-- The staged records of days that are rolled up, each with its time: in the transaction of the page.
-- $1 source text, $2 fetched_at timestamptz
SELECT s.coin_id, coalesce(s.source_updated_at, $2) AS observed_at
FROM candle_roll AS r
JOIN staged AS s ON coalesce(s.source_updated_at, $2) < r.noted_before
                AND coalesce(s.source_updated_at, $2) >= r.dropped_before
WHERE r.source = $1
