-- Takes a request back that nobody has taken up. Answers the run that is under way instead: it began at the same moment.
-- $1 source text, $2 requested_at timestamptz
UPDATE source_state SET requested_at = NULL
WHERE source = $1 AND requested_at = $2
RETURNING (SELECT run_id FROM lease_held l WHERE l.source = $1)
