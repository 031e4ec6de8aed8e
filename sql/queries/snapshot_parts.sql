-- The runs that made the snapshot which a run ended, the run itself last; how many pages they committed, and how many
-- of them are still kept.
-- $1 run_id bigint
WITH RECURSIVE part AS (
    SELECT run_id, resumed_from, pages, source FROM etl_run WHERE run_id = $1
    UNION
    SELECT r.run_id, r.resumed_from, r.pages, r.source FROM etl_run r JOIN part ON r.run_id = part.resumed_from
)
SELECT
    array_agg(run_id ORDER BY run_id) AS runs,
    sum(pages)::bigint AS pages,
    sum((SELECT count(*) FROM raw WHERE raw.source = part.source AND raw.run_id = part.run_id))::bigint AS kept
FROM part
