-- Asks for a run of a source, unless it runs already, no call of it may be made, or no process runs it. Answers how the
-- source stands, and the request; one that waits to be taken is everybody's.
-- $1 source text
WITH standing AS (
    SELECT
        s.source, s.enabled, l.source IS NOT NULL AS is_running, l.run_id,
        extract(epoch FROM h.until - clock_timestamp())::double precision AS seconds, h.reason
    FROM source_state s
    LEFT JOIN lease_held l ON l.source = s.source
    LEFT JOIN source_plan p ON p.source = s.source
    LEFT JOIN request_hold h ON h.source = s.source AND h.key = p.key AND h.plan = p.plan AND h.until > clock_timestamp()
    WHERE s.source = $1
), asked AS (
    UPDATE source_state s SET requested_at = coalesce(s.requested_at, clock_timestamp())
    FROM standing
    WHERE s.source = standing.source AND standing.enabled AND NOT is_running AND seconds IS NULL
    RETURNING s.requested_at
)
SELECT enabled, is_running, run_id, seconds, reason, (SELECT requested_at FROM asked)
FROM standing
