-- Takes a request back that nobody has taken up.
-- $1 source text, $2 requested_at timestamptz
UPDATE source_state SET requested_at = NULL WHERE source = $1 AND requested_at = $2
