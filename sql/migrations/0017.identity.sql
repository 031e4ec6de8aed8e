-- What became of all prices, counted now and then by one process for the metrics of all.
-- depends: 0012.plans

CREATE TABLE price_census (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    due_at      timestamptz NOT NULL,
    counted_at  timestamptz,
    counts      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(counts) = 'object')
);
COMMENT ON TABLE price_census IS 'How many coins the sources agree on, and how many prices of each are kept, stale or refused. One row.';
COMMENT ON COLUMN price_census.due_at IS 'When it is next counted: whoever moves it on counts.';
COMMENT ON COLUMN price_census.counted_at IS 'When it was counted last; null before the first time.';
COMMENT ON COLUMN price_census.counts IS '{"assets": {status: n}, "quotes": {source: {verdict: n}}, "ambiguous": {source: n}}.';
