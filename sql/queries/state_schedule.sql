-- When a source runs next, and why it waits.
-- $1 source text, $2 seconds from now double precision, $3 parked boolean, $4 binding boolean, $5 reason text
UPDATE source_state SET
    next_run_at = now() + $2 * interval '1 second',
    is_parked = $3, is_binding = $4, reason = $5, updated_at = now()
WHERE source = $1
