-- Deletes some raw pages older than so many days; answers how many, and is called again while there are any.
-- $1 days int, $2 at most int
WITH gone AS (
    DELETE FROM raw
    WHERE (source, raw_id) IN (
        SELECT source, raw_id FROM raw
        WHERE fetched_at < now() - $1::int * interval '1 day'
        LIMIT $2::int
    )
    RETURNING 1
)
SELECT count(*) FROM gone
