-- Prolongs a lease that is still ours, and locks it until the transaction ends: nobody can take the source meanwhile.
-- $1 source text, $2 fence bigint, $3 seconds double precision
UPDATE source_lease SET expires_at = clock_timestamp() + $3 * interval '1 second'
WHERE source = $1 AND fence = $2
RETURNING fence
