-- Sources that this service no longer runs; whoever does run one says so when it next looks.
-- $1 enabled text[]
UPDATE source_state SET enabled = false, updated_at = now()
WHERE enabled AND source <> ALL ($1::text[])
