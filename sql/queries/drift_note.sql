-- Notes one drift seen on one page; answers whether it is the first of its kind and path.
-- $1 source, $2 kind, $3 path, $4 severity text, $5 confidence double precision, $6 expected, $7 observed, $8 renamed_to,
-- $9 sample text, $10 run_id bigint
INSERT INTO schema_drift AS d (
    source, kind, path, severity, confidence, expected, observed, renamed_to, sample, first_run_id, last_run_id
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
ON CONFLICT (source, kind, path) DO UPDATE SET
    severity = excluded.severity, confidence = excluded.confidence, expected = excluded.expected,
    observed = excluded.observed, renamed_to = excluded.renamed_to, sample = excluded.sample,
    pages = d.pages + 1, last_seen_at = now(), last_run_id = excluded.last_run_id
RETURNING pages = 1 AS is_first
