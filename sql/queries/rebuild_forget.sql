-- Leaves the coins of which nothing was read.
-- $1 source text
DELETE FROM pg_temp.unified_crypto WHERE source = $1 AND name = ''
