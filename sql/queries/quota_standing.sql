-- How a key stands: credits used in this month, seconds to the next one, and what a cycle of the source costs.
-- $1 source text, $2 key text
SELECT
    coalesce((SELECT used FROM request_quota WHERE source = $1 AND key = $2 AND month = quota_month()), 0) AS used,
    extract(epoch FROM quota_resets_at() - now())::double precision AS resets_in,
    calls_per_cycle($1) AS cost
