-- Opens a run.
-- $1 source text, $2 trigger text, $3 owner text, $4 fence bigint, $5 resumed_from bigint,
-- $6 scheduled_for timestamptz (null: no tick), $7 requested_at timestamptz (null: nobody asked)
INSERT INTO etl_run (source, trigger, owner, fence, resumed_from, scheduled_for, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING run_id
