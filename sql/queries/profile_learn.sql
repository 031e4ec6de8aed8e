-- Keeps what was learned of a part of a source's snapshot.
-- $1 source text, $2 part text, $3 learned jsonb
INSERT INTO drift_profile (source, part, learned)
VALUES ($1, $2, $3)
ON CONFLICT (source, part) DO UPDATE SET learned = excluded.learned, as_of = excluded.as_of
