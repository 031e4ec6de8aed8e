-- Who holds a source.
-- $1 source text
SELECT owner, run_id, expires_at FROM source_lease WHERE source = $1
