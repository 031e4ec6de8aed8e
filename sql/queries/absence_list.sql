-- The coins that the latest whole snapshot of a source did not list.
-- $1 source text
SELECT coin_id FROM coin_absence WHERE source = $1
