-- Whether nobody else rolls up until the transaction ends.
SELECT pg_try_advisory_xact_lock(hashtext('kasparro candles'))
