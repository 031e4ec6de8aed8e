-- Deletes the ticks of some coins that are from pages that were read, and were not derived; answers how many.
-- Not of a coin whose latest row is from a page that was not read: a replay may have brought it after they came, and
-- to the pages that were read it looks as if it had been there before them.
-- $1 source text, $2 coin_ids text[]
WITH gone AS (
    DELETE FROM price_history h
    WHERE source = $1 AND coin_id = ANY ($2) AND raw_id IN (SELECT raw_id FROM rebuild_page)
      AND NOT EXISTS (
          SELECT FROM pg_temp.price_history d
          WHERE (d.coin_id, d.source, d.observed_at) = (h.coin_id, h.source, h.observed_at)
      )
      AND NOT EXISTS (
          SELECT FROM pg_temp.unified_crypto d
          WHERE (d.source, d.coin_id) = (h.source, h.coin_id) AND d.raw_id NOT IN (SELECT raw_id FROM rebuild_page)
      )
    RETURNING 1
)
SELECT count(*) FROM gone
