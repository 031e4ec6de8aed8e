-- Sources that this service no longer runs; whoever does run one takes no notice.
-- $1 enabled text[]
UPDATE source_state SET enabled = false, next_run_at = NULL, updated_at = now()
WHERE enabled AND source <> ALL ($1::text[])
