-- What a rebuild knows, of the other coins, from before its first page: how far they had come, by their history.
-- They have no name, so that whatever is read of them is news.
-- $1 source text
INSERT INTO pg_temp.unified_crypto (
    source, coin_id, name, source_updated_at, observed_at, fetched_at, run_id, raw_id, raw_position
)
SELECT
    source, coin_id, '', max(observed_at) FILTER (WHERE observed_at <> fetched_at), max(observed_at), max(fetched_at),
    0, 0, 0
FROM price_history
WHERE source = $1 AND raw_id < (SELECT min(raw_id) FROM rebuild_page)
  AND raw_id NOT IN (SELECT raw_id FROM backfill_span s WHERE s.source = $1)
GROUP BY source, coin_id
ON CONFLICT (source, coin_id) DO NOTHING
