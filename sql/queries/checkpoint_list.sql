-- Where a source goes on, in each of its streams.
-- $1 source text
SELECT stream, cursor, run_id, page, extract(epoch FROM now() - updated_at)::double precision AS age
FROM etl_checkpoint
WHERE source = $1
