-- What is left of the time for which a source is not to be run.
-- $1 source text
SELECT extract(epoch FROM next_run_at - now())::double precision AS seconds, is_parked, is_binding, reason
FROM source_state
WHERE source = $1 AND next_run_at > now()
