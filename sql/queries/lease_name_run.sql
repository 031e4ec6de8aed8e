-- Tells others which run holds the source.
-- $1 source text, $2 fence bigint, $3 run_id bigint
UPDATE source_lease SET run_id = $3 WHERE source = $1 AND fence = $2
