-- Takes it on to ask for the contracts of a source, if a day has passed; answers nothing where it has not.
-- $1 source text
INSERT INTO contract_check AS known (source, due_at) VALUES ($1, now() + interval '1 day')
ON CONFLICT (source) DO UPDATE SET due_at = excluded.due_at WHERE known.due_at <= now()
RETURNING source
