-- Takes the days that were noted first of a source: about so many, in the transaction that rolls them up again.
-- $1 source text, $2 days int
WITH gone AS (
    DELETE FROM candle_due
    WHERE due_id IN (
        SELECT due_id
        FROM (
            SELECT due_id, sum(cardinality(days)) OVER (ORDER BY due_id) - cardinality(days) AS before
            FROM candle_due
            WHERE source = $1
        ) AS waiting
        WHERE before < $2::int
    )
    RETURNING coin_ids, days
)
SELECT DISTINCT coin_id, day FROM gone, unnest(coin_ids, days) AS changed (coin_id, day)
