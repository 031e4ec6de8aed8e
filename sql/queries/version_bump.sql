-- What is served of a source has changed: its version moves, and every process that listens hears of it on commit.
-- $1 source text
WITH moved AS (
    INSERT INTO data_version AS known (source, version, changed_at)
    VALUES ($1, 1, clock_timestamp())
    ON CONFLICT (source) DO UPDATE SET version = known.version + 1, changed_at = excluded.changed_at
    RETURNING source
)
SELECT pg_notify('kasparro_data', source) FROM moved
