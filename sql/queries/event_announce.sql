-- Something that a follower of events may want to know has changed; told when the transaction commits, once.
-- $1 channel text
SELECT pg_notify($1, '')
