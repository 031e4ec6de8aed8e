-- A pass has been over the coins up to this one; null: over all, and it ends.
-- $1 source text, $2 coin_id text
UPDATE candle_roll SET
    coin_id = $2::text,
    since = CASE WHEN $2 IS NOT NULL THEN since END,
    until = CASE WHEN $2 IS NOT NULL THEN until END,
    began_at = CASE WHEN $2 IS NOT NULL THEN began_at END
WHERE source = $1 AND since IS NOT NULL
