-- For how many seconds each source has had something to be rolled up; 0 where nothing waits.
SELECT r.source, coalesce(extract(epoch FROM clock_timestamp() - least(r.began_at, due.noted_at)), 0)::float8 AS seconds
FROM candle_roll AS r
LEFT JOIN (SELECT source, min(noted_at) AS noted_at FROM candle_due GROUP BY source) AS due USING (source)
