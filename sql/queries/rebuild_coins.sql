-- The coins that a rebuild is about: those derived, and those served from the pages that were read.
-- $1 source text
SELECT coin_id FROM pg_temp.unified_crypto
UNION
SELECT coin_id FROM unified_crypto WHERE source = $1
UNION
SELECT coin_id FROM price_history WHERE source = $1 AND raw_id IN (SELECT raw_id FROM rebuild_page)
ORDER BY coin_id
