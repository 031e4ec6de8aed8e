-- Notes one drift seen on one page; answers whether it is news (the first of its kind and path, or one that somebody
-- has acknowledged and that has changed further), and whether it still waits for somebody.
-- $1 source, $2 kind, $3 path, $4 severity text, $5 confidence double precision, $6 expected, $7 observed, $8 renamed_to,
-- $9 sample text, $10 run_id bigint
WITH known AS (
    SELECT
        acknowledged_at IS NOT NULL AS was_acknowledged,
        -- types are a list: those that were seen before are no further change, and null is of every type
        coalesce(string_to_array(nullif($7, 'null'), ', ') <@ string_to_array(observed, ', '), true)
        AND renamed_to IS NOT DISTINCT FROM $8 AS is_same
    FROM schema_drift
    WHERE source = $1 AND kind = $2 AND path = $3
)
INSERT INTO schema_drift AS d (
    source, kind, path, severity, confidence, expected, observed, renamed_to, sample, first_run_id, last_run_id
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
ON CONFLICT (source, kind, path) DO UPDATE SET
    severity = excluded.severity, confidence = excluded.confidence, expected = excluded.expected,
    observed = CASE WHEN (SELECT is_same FROM known) THEN d.observed ELSE excluded.observed END,
    renamed_to = excluded.renamed_to, sample = excluded.sample,
    acknowledged_at = CASE WHEN (SELECT is_same FROM known) THEN d.acknowledged_at END,
    resolved_at = NULL,
    pages = d.pages + 1, last_seen_at = now(), last_run_id = excluded.last_run_id
RETURNING
    pages = 1 OR (acknowledged_at IS NULL AND (SELECT was_acknowledged FROM known)) AS is_news,
    acknowledged_at IS NULL AS is_open
