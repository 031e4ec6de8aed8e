-- Opens a run.
-- $1 source text, $2 trigger text, $3 owner text, $4 fence bigint, $5 resumed_from bigint
INSERT INTO etl_run (source, trigger, owner, fence, resumed_from)
VALUES ($1, $2, $3, $4, $5)
RETURNING run_id
