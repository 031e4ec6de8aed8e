-- Waits until nobody else moves listings, and keeps others from it until the transaction ends. A process that is frozen
-- meanwhile loses the transaction after two minutes, and the lock with it.
SELECT set_config('idle_in_transaction_session_timeout', '2min', true), pg_advisory_xact_lock(hashtext('kasparro assets'))
