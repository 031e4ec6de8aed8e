-- Notes on the run that ended a snapshot what the snapshot came to.
-- $1 run_id bigint, $2 scope text, $3 coins bigint (null: not known), $4 flags jsonb
UPDATE etl_run SET scope = $2, coins = $3, flags = $4 WHERE run_id = $1
