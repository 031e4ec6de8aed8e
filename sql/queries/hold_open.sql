-- Holds a key from now on; a longer hold under the same plan stays as it is.
-- $1 source text, $2 key text, $3 plan text, $4 seconds double precision, $5 parked boolean, $6 reason text
INSERT INTO request_hold AS held (source, key, plan, until, is_parked, reason)
VALUES ($1, $2, $3, now() + $4 * interval '1 second', $5, $6)
ON CONFLICT (source, key) DO UPDATE SET
    plan = excluded.plan, until = excluded.until, is_parked = excluded.is_parked, reason = excluded.reason
WHERE held.plan <> excluded.plan OR held.until < excluded.until
