-- Keeps what was counted.
-- $1 counts jsonb
UPDATE price_census SET counts = $1, counted_at = now()
