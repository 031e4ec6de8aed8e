-- The contracts of a source could not be had: they are asked for again in an hour.
-- $1 source text
UPDATE contract_check SET due_at = now() + interval '1 hour' WHERE source = $1
