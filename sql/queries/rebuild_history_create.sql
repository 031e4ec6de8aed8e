-- The history of a rebuild, as temporary as its session; see rebuild_latest_create.
CREATE TEMP TABLE price_history (
    LIKE price_history INCLUDING DEFAULTS,
    PRIMARY KEY (coin_id, source, observed_at)
)
