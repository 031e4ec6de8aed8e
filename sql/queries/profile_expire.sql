-- Forgets what was learned of pages that have not come for so many days.
-- $1 days integer
DELETE FROM drift_profile WHERE as_of < now() - make_interval(days => $1)
