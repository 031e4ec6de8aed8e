-- Nothing of a source is rolled up yet. Called with the lease of the source locked.
-- $1 source text, $2 timestamptz: the days before have ended
INSERT INTO candle_roll (source, noted_before, sealed_before)
SELECT $1, first, first FROM (SELECT coalesce(least(history_begins(), $2), $2) AS first) AS history
ON CONFLICT DO NOTHING
