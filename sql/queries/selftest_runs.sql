-- The runs, oldest first: what each said of its pages and records, what the tables say, and where the checkpoint is.
SELECT
    r.*,
    (SELECT count(*) FROM raw WHERE raw.source = r.source AND raw.run_id = r.run_id) AS pages_kept,
    (SELECT max(page) FROM raw WHERE raw.source = r.source AND raw.run_id = r.run_id) AS last_page,
    (SELECT page FROM etl_checkpoint c WHERE c.source = r.source AND c.run_id = r.run_id) AS checkpoint,
    (SELECT count(*) FROM etl_reject q WHERE q.run_id = r.run_id) AS quarantined,
    (SELECT count(*) FROM unified_crypto u WHERE u.run_id = r.run_id) AS rows_written
FROM etl_run r
ORDER BY r.run_id
