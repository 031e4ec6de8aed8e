-- Closes runs whose owner is gone: nobody holds their source under their fence any more.
UPDATE etl_run r SET
    status = 'abandoned', finished_at = clock_timestamp(), error_kind = 'Abandoned',
    error_message = 'the process that ran it ended; its last committed page is kept, and a later run goes on from there'
WHERE r.status = 'running'
  AND NOT EXISTS (
      SELECT FROM source_lease l JOIN pg_stat_activity a ON a.pid = l.backend_pid AND a.backend_start = l.backend_start
      WHERE l.source = r.source AND l.fence = r.fence AND l.expires_at > clock_timestamp()
  )
RETURNING r.run_id, r.source
