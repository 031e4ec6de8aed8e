-- The latest rows of a rebuild, as temporary as its session. A temporary table is found before one that stays, so that
-- the statement which merges a page merges into these.
CREATE TEMP TABLE unified_crypto (
    LIKE unified_crypto INCLUDING DEFAULTS INCLUDING GENERATED,
    PRIMARY KEY (source, coin_id)
)
