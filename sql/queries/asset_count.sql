-- How many assets there are, in how many several sources stand together, and how many are ambiguous.
SELECT
    count(*) AS assets,
    count(*) FILTER (WHERE sources > 1) AS linked,
    count(*) FILTER (WHERE is_ambiguous) AS ambiguous
FROM asset
WHERE sources > 0
