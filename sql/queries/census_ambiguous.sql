-- How many listings of each source are ambiguous.
SELECT source, count(*) FILTER (WHERE is_ambiguous) AS ambiguous FROM asset_source GROUP BY source
