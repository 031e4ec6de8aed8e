-- What is kept of every coin, the figures also as PostgreSQL prints them.
SELECT
    coin_id, price_usd, source_updated_at,
    price_usd::text AS price_usd_text, market_cap_usd::text AS market_cap_usd_text,
    volume_24h_usd::text AS volume_24h_usd_text
FROM unified_crypto
