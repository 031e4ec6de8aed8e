-- Ends the session that holds a source when it was frozen in the middle of a COPY: the server waits for its client, no
-- time-out of the server's ends that, and whoever wants the source waits for its lock.
-- $1 source text, $2 seconds without a byte that are too many double precision
SELECT pg_terminate_backend(a.pid)
FROM source_lease l
JOIN pg_stat_activity a ON a.pid = l.backend_pid AND a.backend_start = l.backend_start
WHERE l.source = $1
  AND a.pid <> pg_backend_pid() AND a.usename = current_user
  AND a.state = 'active' AND a.wait_event = 'ClientRead'
  AND a.query_start < clock_timestamp() - $2 * interval '1 second'
