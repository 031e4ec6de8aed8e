-- What was learned of a part of a source's snapshot, and the traits ("null_rate ath") that were acknowledged since.
-- $1 source text, $2 part text
SELECT
    learned,
    ARRAY(
        SELECT kind || ' ' || path FROM schema_drift WHERE source = $1 AND acknowledged_at >= as_of
    ) AS acknowledged
FROM drift_profile
WHERE source = $1 AND part = $2
