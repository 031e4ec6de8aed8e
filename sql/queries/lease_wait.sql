-- Waits for whoever commits a page of a source, and keeps others from it until the transaction ends.
-- $1 source text
SELECT FROM source_lease WHERE source = $1 FOR UPDATE
