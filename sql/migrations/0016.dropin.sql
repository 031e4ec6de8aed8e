-- What the routes for CoinGecko's clients read by: the coins that a source lists now, and figures in other units.
-- depends: 0012.plans

CREATE FUNCTION coins_listed(
    listed_by text, ids text[], names text[], symbols text[], is_every_token boolean
) RETURNS SETOF unified_crypto LANGUAGE sql STABLE AS $$
    SELECT *
    FROM unified_crypto c
    WHERE c.source = listed_by
      AND (ids IS NULL OR c.coin_id = ANY (ids))
      AND (names IS NULL OR lower(c.name) = ANY (names))
      AND (symbols IS NULL OR lower(c.symbol) = ANY (symbols))
      AND NOT EXISTS (
          SELECT FROM coin_absence a
          WHERE a.source = c.source AND a.coin_id = c.coin_id AND a.confirmed_by IS NOT NULL
      )
      AND (symbols IS NULL OR is_every_token OR NOT EXISTS (
          SELECT FROM unified_crypto o
          WHERE o.source = c.source AND lower(o.symbol) = lower(c.symbol)
            AND (coalesce(o.market_cap_usd, -1), coalesce(o.volume_24h_usd, -1), o.coin_id)
                > (coalesce(c.market_cap_usd, -1), coalesce(c.volume_24h_usd, -1), c.coin_id)
            AND NOT EXISTS (
                SELECT FROM coin_absence a
                WHERE a.source = o.source AND a.coin_id = o.coin_id AND a.confirmed_by IS NOT NULL
            )
      ))
$$;
COMMENT ON FUNCTION coins_listed IS 'The latest rows of a source without those that two whole snapshots missed. null is no filter; names and symbols are in lower case. Of the coins that share a symbol, only the largest, unless every token is asked for.';

CREATE FUNCTION in_unit(amount numeric, rate numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN rate = 1 THEN amount ELSE trim_scale(amount / rate) END
$$;
COMMENT ON FUNCTION in_unit IS 'An amount of US dollars in a unit that is worth so many of them: dollars keep every digit, all else has 16 significant ones at least. Null where the rate is.';

CREATE FUNCTION change_in_unit(percent numeric, unit_percent numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN unit_percent = 0 THEN percent
        WHEN unit_percent > -100 THEN round(((100 + percent) / (100 + unit_percent) - 1) * 100, 5)
    END
$$;
COMMENT ON FUNCTION change_in_unit IS 'A change in US dollars, in percent, as a change in a unit that itself changed by so much against the dollar.';

CREATE FUNCTION change_over(
    listed_by text, coin text, price numeric, at timestamptz, length interval
) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT round((price / nullif(price_usd, 0) - 1) * 100, 5)
    FROM (
        (
            SELECT price_usd, at - length - observed_at AS off FROM price_history
            WHERE coin_id = coin AND source = listed_by
              AND observed_at BETWEEN at - length - least(length / 4, interval '1 day') AND at - length
            ORDER BY observed_at DESC
            LIMIT 1
        )
        UNION ALL
        (
            SELECT price_usd, observed_at - (at - length) FROM price_history
            WHERE coin_id = coin AND source = listed_by
              AND observed_at BETWEEN at - length AND at - length + least(length / 4, interval '1 day')
            ORDER BY observed_at
            LIMIT 1
        )
    ) AS tick
    ORDER BY off
    LIMIT 1
$$;
COMMENT ON FUNCTION change_over IS 'How a price has changed since some time before, in percent: against the tick that is nearest to then, by a quarter of the time or a day at most. Null without one.';

CREATE FUNCTION in_digits(amount numeric, digits integer) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN digits IS NULL THEN amount ELSE round(amount, digits) END
$$;
COMMENT ON FUNCTION in_digits IS 'An amount to so many digits behind the point; null digits are all that there are.';

CREATE FUNCTION as_moment(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
COMMENT ON FUNCTION as_moment IS 'A time as CoinGecko writes it: UTC, with milliseconds.';

CREATE FUNCTION as_number(value jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof(value) WHEN 'number' THEN value::numeric END
$$;
COMMENT ON FUNCTION as_number IS 'The number in a record; null for what is none.';
