-- Deletes the runs that ended more than so many days ago, and the records that they quarantined; the last run of each
-- source stays. Answers how many runs.
-- $1 days int
WITH gone AS (
    DELETE FROM etl_run r
    WHERE finished_at < now() - $1::int * interval '1 day'
      AND run_id < (SELECT max(run_id) FROM etl_cycle latest WHERE latest.source = r.source)
    RETURNING source, run_id
), rejects AS (
    DELETE FROM etl_reject q USING gone WHERE q.source = gone.source AND q.run_id = gone.run_id
)
SELECT count(*) FROM gone
