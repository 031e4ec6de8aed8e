-- Makes sure that raw pages of a source have a place.
-- $1 source text
SELECT ensure_raw_partition($1)
