-- The sources with records whose replay was asked for.
SELECT DISTINCT source FROM etl_reject WHERE requested_at IS NOT NULL ORDER BY source
