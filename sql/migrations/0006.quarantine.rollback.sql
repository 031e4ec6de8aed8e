DROP FUNCTION oddities(unified_crypto);
DROP INDEX etl_reject_requested;
DROP INDEX etl_reject_open;
ALTER TABLE etl_reject
    DROP COLUMN outcome,
    DROP COLUMN replayed_at,
    DROP COLUMN requested_at,
    DROP COLUMN fetched_at;
ALTER TABLE raw DROP COLUMN reading;
