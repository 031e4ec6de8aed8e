-- The books against each other. Every figure is 0 where each page is there as a whole or not at all, each record was
-- counted once, and no run was left open. For pages without bad records.
WITH kept AS (
    SELECT
        p.run_id, count(*) AS pages,
        sum(json_array_length(coalesce(p.body, original.body)::json)) FILTER (WHERE p.source <> 'csv') AS records
    FROM raw p LEFT JOIN raw original ON original.source = p.source AND original.raw_id = p.same_as
    GROUP BY p.run_id
), runs AS (
    SELECT r.*, coalesce(k.pages, 0) AS pages_kept, coalesce(k.records, 0) AS records_kept
    FROM etl_run r LEFT JOIN kept k USING (run_id)
), rows AS (
    SELECT
        (SELECT count(*) FROM unified_crypto WHERE source <> 'csv') AS coins,
        (SELECT count(*) FROM price_history WHERE source = 'csv') AS ticks
)
SELECT
    (SELECT count(*) FROM runs WHERE status = 'running') AS runs_left_open,
    (SELECT count(*) FROM runs WHERE pages <> pages_kept) AS half_pages,
    (SELECT count(*) FROM runs WHERE source <> 'csv' AND fetched <> records_kept) AS ledgers_wrong,
    (SELECT abs(coalesce(sum(inserted), 0) - rows.coins) FROM runs WHERE source <> 'csv') AS coins_counted_wrong,
    (SELECT abs(coalesce(sum(inserted), 0) - rows.ticks) FROM runs WHERE source = 'csv') AS ticks_counted_wrong
FROM rows
