-- Closes runs whose owner is gone: its session has ended, or another has drawn a higher fence. A lease that has merely
-- run out ends nothing, for its owner may renew it yet. Answers how far each came, and how its source stood.
-- $1 source text (null: any)
UPDATE etl_run r SET
    status = 'abandoned', finished_at = clock_timestamp(), error_kind = 'Abandoned',
    error_message = 'the process that ran it ended; its last committed page is kept, and a later run goes on from there'
WHERE r.status = 'running'
  AND ($1::text IS NULL OR r.source = $1)
  AND NOT EXISTS (
      SELECT FROM source_lease l
      WHERE l.source = lease_of(r) AND l.fence = r.fence AND session_lives(l.backend_pid, l.backend_start)
  )
RETURNING
    r.run_id, r.source, r.trigger, r.pages,
    coalesce((SELECT failures FROM source_state s WHERE s.source = r.source), 0) AS failures,
    coalesce((SELECT interval_seconds FROM source_state s WHERE s.source = r.source), 0) AS interval
