-- Closes open records that were read after all.
-- $1 reject_ids bigint[], $2 outcomes text[]
UPDATE etl_reject q SET replayed_at = now(), outcome = done.outcome, requested_at = NULL
FROM unnest($1::bigint[], $2::text[]) AS done (reject_id, outcome)
WHERE q.reject_id = done.reject_id AND q.replayed_at IS NULL
