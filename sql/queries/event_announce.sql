-- Something that a follower of events may want to know has changed; told when the transaction commits, once.
SELECT pg_notify('kasparro_events', '')
