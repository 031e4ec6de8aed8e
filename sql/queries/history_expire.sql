-- Drops months of history that ended more than so many days ago; answers how many.
-- $1 days int
SELECT drop_history_before(current_date - $1::int)
