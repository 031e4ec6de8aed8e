-- How the prices of some coins went in the week before their latest rows: the price as of evenly spaced moments between
-- the first and the last tick of the week, by source and coin, the oldest first. It costs the same however many ticks
-- there are.
-- $1 sources text[], $2 coin ids text[], $3 observed_at of their latest rows timestamptz[], $4 how many moments int,
-- $5 timestamptz, $6 timestamptz: all these weeks are between them; the months outside are left out of the plan
SELECT DISTINCT wanted.source, wanted.coin_id, tick.observed_at, tick.price_usd
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS wanted (source, coin_id, until)
CROSS JOIN LATERAL (
    SELECT observed_at AS latest
    FROM price_history h
    WHERE h.coin_id = wanted.coin_id AND h.source = wanted.source
      AND observed_at BETWEEN until - interval '7 days' AND until AND observed_at BETWEEN $5 AND $6
    ORDER BY observed_at DESC
    LIMIT 1
) AS ends
CROSS JOIN LATERAL (
    SELECT observed_at AS earliest
    FROM price_history h
    WHERE h.coin_id = wanted.coin_id AND h.source = wanted.source
      AND observed_at BETWEEN until - interval '7 days' AND until AND observed_at BETWEEN $5 AND $6
    ORDER BY observed_at
    LIMIT 1
) AS begins
CROSS JOIN generate_series(1, $4::int) AS moment
CROSS JOIN LATERAL (
    SELECT observed_at, price_usd
    FROM price_history h
    WHERE h.coin_id = wanted.coin_id AND h.source = wanted.source
      AND observed_at BETWEEN earliest AND earliest + (latest - earliest) * (moment - 1) / ($4 - 1)
      AND observed_at BETWEEN $5 AND $6
    ORDER BY observed_at DESC
    LIMIT 1
) AS tick
ORDER BY wanted.source, wanted.coin_id, tick.observed_at
