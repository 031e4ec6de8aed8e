-- Begins the next pass of a source, where none is under way: over days that have ended since the last one, or else over
-- days that are about to be dropped, a month at most. Called with the lease of the source locked.
-- $1 source text, $2 timestamptz: the days before have ended, $3 timestamptz: the days before are to be dropped
UPDATE candle_roll AS r SET
    noted_before = CASE WHEN next.is_sealing THEN r.noted_before ELSE next.until END,
    -- history may be kept for longer now
    sealed_before = CASE WHEN next.is_sealing THEN next.until ELSE least(r.sealed_before, $3) END,
    since = next.since,
    until = next.until,
    coin_id = '',
    began_at = clock_timestamp()
FROM (
    SELECT
        source, is_sealing, since,
        least(CASE WHEN is_sealing THEN $3 ELSE $2 END, date_trunc('month', since, 'UTC') + interval '1 month') AS until
    FROM (
        SELECT
            source, noted_before >= $2 AS is_sealing,
            CASE WHEN noted_before >= $2 THEN greatest(sealed_before, history_begins()) ELSE noted_before END AS since
        FROM candle_roll
        WHERE source = $1 AND candle_roll.since IS NULL AND (noted_before < $2 OR sealed_before < $3)
    ) AS open
) AS next
WHERE r.source = next.source
