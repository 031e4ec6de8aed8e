-- Adds a page to its run, if that is still open, and notes what the run has asked of the network so far.
-- $1 run_id bigint, $2 inserted, $3 updated, $4 unchanged, $5 stale, $6 rejected, $7 duplicate bigint,
-- $8 simulated boolean, $9 requests int, $10 retries int, $11 waited_seconds double precision,
-- $12 backoff_seconds double precision
UPDATE etl_run SET
    pages = pages + 1,
    fetched = fetched + $2::bigint + $3::bigint + $4::bigint + $5::bigint + $6::bigint + $7::bigint,
    inserted = inserted + $2, updated = updated + $3, unchanged = unchanged + $4,
    stale = stale + $5, rejected = rejected + $6, duplicate = duplicate + $7,
    simulated = simulated OR $8,
    requests = $9, retries = $10, waited_seconds = $11, backoff_seconds = $12
WHERE run_id = $1 AND status = 'running'
RETURNING run_id
