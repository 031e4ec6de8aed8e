-- Two seconds for a lock, until the transaction ends.
SET LOCAL lock_timeout = '2s'
