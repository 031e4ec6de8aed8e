-- Forgets that a file was refused, so that the next cycle reads it again from where it was left.
-- $1 source text, $2 stream text
UPDATE etl_checkpoint SET cursor = cursor - '{refused,signature}'::text[]
WHERE source = $1 AND stream = $2 AND cursor ->> 'refused' IS NOT NULL
