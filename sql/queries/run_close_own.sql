-- Closes the runs that a process which is about to end has left open.
-- $1 owner text
UPDATE etl_run SET
    status = 'cancelled', finished_at = clock_timestamp(), error_kind = 'CancelledError',
    error_message = 'the process was stopped; the last committed page is kept, and a later run goes on from there'
WHERE owner = $1 AND status = 'running'
