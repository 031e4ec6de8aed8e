-- Notes what the latest rows of some coins say now, after ticks were written that did not make them.
-- A microsecond behind those, so that it goes before them.
-- $1 source text, $2 coin_ids text[]
INSERT INTO coin_mark (
    source, coin_id, known_since, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd
)
SELECT
    source, coin_id, now() + interval '1 microsecond', observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd,
    high_usd, low_usd
FROM unified_crypto
WHERE source = $1 AND coin_id = ANY ($2)
