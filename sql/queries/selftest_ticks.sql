-- What the runs of a source say of its ticks: how many were run well, how many runs were of none or of one that another
-- run had, began before their tick or before the run before had ended, or were off the grid behind the first.
-- $1 source text, $2 interval in seconds double precision
SELECT
    count(*) AS runs,
    count(*) FILTER (WHERE status = 'success') AS well,
    count(*) - count(DISTINCT scheduled_for) AS twice,
    count(*) FILTER (WHERE started_at < scheduled_for) AS early,
    count(*) FILTER (WHERE started_at < ended_before OR fence <= fence_before) AS overlapping,
    count(*) FILTER (
        WHERE ended_before IS NOT NULL
          AND extract(epoch FROM next_tick(phase, $2, started_at) - scheduled_for) % $2::numeric <> 0
    ) AS off_grid,
    count(DISTINCT owner) AS owners
FROM (
    SELECT *, max(finished_at) OVER earlier AS ended_before, max(fence) OVER earlier AS fence_before
    FROM etl_run JOIN (SELECT source, phase FROM source_state) AS grid USING (source)
    WHERE source = $1
    WINDOW earlier AS (ORDER BY run_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) AS run
