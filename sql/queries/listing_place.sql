-- Puts listings into assets; one that was there before with all the same is not written.
-- $1 jsonb: list of {source, coin_id, asset_id, name, symbol, method, confidence, evidence, is_ambiguous, candidates}
INSERT INTO asset_source AS known (
    source, coin_id, asset_id, name, symbol, method, confidence, evidence, is_ambiguous, candidates
)
SELECT source, coin_id, asset_id, name, symbol, method, confidence, nullif(evidence, 'null'), is_ambiguous, candidates
FROM jsonb_to_recordset($1::jsonb) AS placed (
    source text, coin_id text, asset_id text, name text, symbol text, method text, confidence double precision,
    evidence jsonb, is_ambiguous boolean, candidates jsonb
)
ON CONFLICT (source, coin_id) DO UPDATE SET
    asset_id = excluded.asset_id, name = excluded.name, symbol = excluded.symbol, method = excluded.method,
    confidence = excluded.confidence, evidence = excluded.evidence, is_ambiguous = excluded.is_ambiguous,
    candidates = excluded.candidates, decided_at = now()
WHERE (
    known.asset_id, known.name, known.symbol, known.method, known.evidence, known.is_ambiguous, known.candidates
) IS DISTINCT FROM (
    excluded.asset_id, excluded.name, excluded.symbol, excluded.method, excluded.evidence, excluded.is_ambiguous,
    excluded.candidates
)
