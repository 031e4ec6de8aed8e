-- What was asked of a time before, at such a step or a finer one, in order.
-- $1 source text, $2 coin_id text, $3 since, $4 until timestamptz, $5 step in seconds double precision
SELECT since, until
FROM backfill_span
WHERE coin_id = $2 AND source = $1 AND until > $3 AND since < $4 AND step_seconds <= $5
ORDER BY since
