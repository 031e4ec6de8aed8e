-- Quarantines records.
-- $1 source text, $2 run_id bigint, $3 raw_id bigint, $4 stream text, $5 fetched_at timestamptz, $6 positions int[],
-- $7 records text[], $8 reasons text[]: JSON lists
INSERT INTO etl_reject (source, run_id, raw_id, stream, fetched_at, position, record, reasons)
SELECT $1, $2, $3, $4, $5, position, record, reasons::jsonb
FROM unnest($6::int[], $7::text[], $8::text[]) AS rejected (position, record, reasons)
