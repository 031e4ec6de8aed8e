-- What is left of the hold on a key under this plan.
-- $1 source text, $2 key text, $3 plan text
SELECT extract(epoch FROM until - now())::double precision AS seconds, is_parked, reason
FROM request_hold
WHERE source = $1 AND key = $2 AND plan = $3 AND until > now()
