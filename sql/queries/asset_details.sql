-- An asset as a JSON object: its listings, each with what speaks for it and its latest row, and its last changes. What
-- two whole snapshots in a row have missed is gone.
-- $1 asset_id text, $2 events bigint
SELECT to_json(asset)::text AS asset, merged_into
FROM (
    SELECT
        asset_id, name, symbol, former_names, sources, is_ambiguous AS ambiguous, merged_into, created_at, updated_at,
        (
            SELECT coalesce(json_agg(listing ORDER BY source, coin_id), '[]')
            FROM (
                SELECT
                    placed.source, placed.coin_id, placed.name, placed.symbol, method, confidence, evidence,
                    is_ambiguous AS ambiguous, candidates, decided_at, absent.confirmed_at AS gone_since,
                    ARRAY(
                        SELECT chain || ':' || address FROM coin_contract AS token
                        WHERE token.source = placed.source AND token.coin_id = placed.coin_id
                        ORDER BY 1
                    ) AS contracts,
                    (
                        SELECT to_json(latest)
                        FROM (
                            SELECT
                                price_usd, market_cap_usd, volume_24h_usd, price_change_24h_percent, rank,
                                circulating_supply, total_supply, max_supply, updated_at, observed_at
                            FROM unified_crypto AS coin
                            WHERE coin.source = placed.source AND coin.coin_id = placed.coin_id
                        ) AS latest
                    ) AS latest
                FROM asset_source AS placed
                LEFT JOIN coin_absence AS absent ON absent.source = placed.source AND absent.coin_id = placed.coin_id
                WHERE placed.asset_id = asset.asset_id
            ) AS listing
        ) AS listings,
        (
            SELECT coalesce(json_agg(event ORDER BY event_id DESC), '[]')
            FROM (
                SELECT event_id, kind, source, coin_id, actor, details, created_at
                FROM asset_event AS changed
                WHERE changed.asset_id = asset.asset_id
                ORDER BY event_id DESC
                LIMIT $2
            ) AS event
        ) AS events
    FROM asset
    WHERE asset_id = $1
) AS asset
