-- Notes what was asked and answered: in the transaction of its page.
-- $1 source text, $2 coin_id text, $3 raw_id bigint, $4 since, $5 until timestamptz, $6 step in seconds double precision,
-- $7 points int, $8 run_id bigint, $9 asked_at timestamptz
INSERT INTO backfill_span (source, coin_id, raw_id, since, until, step_seconds, points, run_id, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
