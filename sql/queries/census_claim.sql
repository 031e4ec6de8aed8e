-- Takes it on to count prices, if so many seconds have passed; answers nothing where they have not.
-- $1 seconds double precision
INSERT INTO price_census AS known (due_at) VALUES (now() + $1 * interval '1 second')
ON CONFLICT (is_only) DO UPDATE SET due_at = excluded.due_at WHERE known.due_at <= now()
RETURNING is_only
