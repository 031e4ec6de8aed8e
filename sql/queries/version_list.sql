-- The version of what is served of each source, by name.
SELECT source, version, changed_at FROM data_version ORDER BY source
