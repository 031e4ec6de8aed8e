-- Makes sure that history of these months has a place.
-- $1 days date[]: any day of each month
SELECT count(ensure_history_partition(day)) FROM unnest($1::date[]) AS day
