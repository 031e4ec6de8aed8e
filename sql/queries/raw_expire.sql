-- Deletes some raw pages older than so many days; answers how many, and is called again while there are any. A page
-- whose text stands for that of a younger one stays as long as that.
-- $1 days int, $2 at most int
WITH gone AS (
    DELETE FROM raw
    WHERE (source, raw_id) IN (
        SELECT source, raw_id FROM raw p
        WHERE fetched_at < now() - $1::int * interval '1 day'
          AND NOT EXISTS (
              SELECT FROM raw same
              WHERE same.source = p.source AND same.same_as = p.raw_id
                AND same.fetched_at >= now() - $1::int * interval '1 day'
          )
        LIMIT $2::int
    )
    RETURNING 1
)
SELECT count(*) FROM gone
