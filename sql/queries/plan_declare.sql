-- What a source may spend, and the interval at which it does.
-- $1 source text, $2 plan text, $3 key text, $4 credits bigint (null: any number), $5 kept bigint,
-- $6 interval_seconds double precision
INSERT INTO source_plan (source, plan, key, credits, kept, interval_seconds)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (source) DO UPDATE SET
    plan = excluded.plan, key = excluded.key, credits = excluded.credits, kept = excluded.kept,
    interval_seconds = excluded.interval_seconds, declared_at = now()
