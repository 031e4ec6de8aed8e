-- Quarantines records.
-- $1 source text, $2 run_id bigint, $3 raw_id bigint, $4 stream text, $5 positions int[], $6 records text[], $7 reasons text[]: JSON lists
INSERT INTO etl_reject (source, run_id, raw_id, stream, position, record, reasons)
SELECT $1, $2, $3, $4, position, record, reasons::jsonb
FROM unnest($5::int[], $6::text[], $7::text[]) AS rejected (position, record, reasons)
