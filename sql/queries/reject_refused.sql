-- Leaves records open that still cannot be read, with the reasons of now.
-- $1 reject_ids bigint[], $2 reasons text[]: JSON lists
UPDATE etl_reject q SET reasons = refused.reasons::jsonb, requested_at = NULL
FROM unnest($1::bigint[], $2::text[]) AS refused (reject_id, reasons)
WHERE q.reject_id = refused.reject_id AND q.replayed_at IS NULL
