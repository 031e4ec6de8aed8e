-- In how many seconds a source is to be run: 0 is now; null while somebody runs it. Whoever asks runs it: it is enabled.
-- A run that nobody holds has lost its process: it is closed by whoever takes the source, at once.
-- $1 source text
WITH ours AS (
    UPDATE source_state SET enabled = true WHERE source = $1 AND NOT enabled
)
SELECT CASE
    WHEN EXISTS (SELECT FROM lease_held l WHERE l.source = s.source) THEN NULL
    WHEN EXISTS (SELECT FROM etl_cycle r WHERE r.source = s.source AND r.status = 'running') THEN 0
    ELSE greatest(0, extract(epoch FROM least(s.next_run_at, s.requested_at) - clock_timestamp()))
END::double precision
FROM source_state s
WHERE s.source = $1
