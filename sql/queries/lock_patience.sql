-- A tenth of a second for a lock, until the transaction ends: who waits longer holds up all who come later.
SET LOCAL lock_timeout = '100ms'
