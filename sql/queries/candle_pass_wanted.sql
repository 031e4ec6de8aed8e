-- Whether days of a source have ended that no pass has gone over, or are about to be dropped.
-- $1 source text, $2 timestamptz: the days before have ended, $3 timestamptz: the days before are to be dropped
SELECT NOT EXISTS (SELECT FROM candle_roll WHERE source = $1 AND noted_before >= $2 AND sealed_before >= $3)
