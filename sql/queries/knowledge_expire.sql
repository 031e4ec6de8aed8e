-- Before months of history are dropped that ended more than so many days ago: keeps the last tick of each coin, and moves
-- on since when what was known is told.
-- $1 days int
SELECT forget_knowledge_before(current_date - $1::int)
