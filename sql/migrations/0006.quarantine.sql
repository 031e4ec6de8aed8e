-- Quarantined records can be read again, and so can raw pages; what is unlikely about a row is named.
-- depends: 0003.snapshots

ALTER TABLE raw ADD COLUMN reading jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN raw.reading IS
    'How a page of a CSV file was read, where its text does not tell: {} for JSON, and for pages from before this column.';

ALTER TABLE etl_reject
    ADD COLUMN fetched_at timestamptz,
    ADD COLUMN requested_at timestamptz,
    ADD COLUMN replayed_at timestamptz,
    ADD COLUMN outcome text CHECK (outcome IN ('inserted', 'updated', 'unchanged', 'stale', 'reread')),
    ADD CONSTRAINT replayed_to_an_outcome CHECK ((replayed_at IS NULL) = (outcome IS NULL));
COMMENT ON COLUMN etl_reject.fetched_at IS 'When its page was fetched; null for a refused file, and for records from before this column.';
COMMENT ON COLUMN etl_reject.requested_at IS 'Somebody asked for a replay, and the service has not come to it yet.';
COMMENT ON COLUMN etl_reject.replayed_at IS 'When the record was read after all; null while it is open.';
COMMENT ON COLUMN etl_reject.outcome IS
    'What the replay did to the latest row. stale: a newer one is there, only the history grew. reread: a file, left to the next cycle.';
CREATE INDEX etl_reject_open ON etl_reject (source, reject_id) WHERE replayed_at IS NULL;
CREATE INDEX etl_reject_requested ON etl_reject (source) WHERE requested_at IS NOT NULL;

CREATE FUNCTION oddities(coin unified_crypto) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN coin.price_usd < coin.low_usd OR coin.price_usd > coin.high_usd THEN 'price_outside_range' END,
        CASE WHEN coin.circulating_supply > coin.total_supply THEN 'circulating_above_total' END,
        CASE WHEN coin.total_supply > coin.max_supply THEN 'total_above_max' END,
        CASE WHEN coin.max_supply = 9223372036854775807 THEN 'placeholder_max_supply' END,
        CASE WHEN abs(coin.price_usd * coin.circulating_supply - coin.market_cap_usd) > coin.market_cap_usd / 10
            THEN 'cap_unlike_supply' END,
        CASE WHEN coin.market_cap_usd >= 1e9 AND coin.volume_24h_usd < coin.market_cap_usd / 1e6
            THEN 'cap_without_trade' END,
        CASE WHEN greatest(
                coin.price_change_1h_percent, coin.price_change_24h_percent, coin.price_change_7d_percent) > 10000
            THEN 'extreme_change' END
    ], NULL)
$$;
COMMENT ON FUNCTION oddities IS 'What is unlikely about a latest row, or contradicts itself: vendors do send such rows, so they are kept, and flagged.';
