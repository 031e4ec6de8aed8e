-- Coins of a source that a snapshot lists are missing no longer.
-- $1 source text, $2 coin_ids text[]
DELETE FROM coin_absence WHERE source = $1 AND coin_id = ANY ($2)
