-- In how many seconds a source is to be run: 0 is now; null while somebody runs it.
-- $1 source text
SELECT CASE
    WHEN EXISTS (SELECT FROM lease_held l WHERE l.source = s.source) THEN NULL
    WHEN due_at(s) <= clock_timestamp() THEN 0
    ELSE extract(epoch FROM due_at(s) - clock_timestamp())::double precision
END
FROM source_state s
WHERE s.source = $1
