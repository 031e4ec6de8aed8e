-- Whether somebody holds a source.
-- $1 source text
SELECT EXISTS (SELECT FROM lease_held WHERE source = $1)
