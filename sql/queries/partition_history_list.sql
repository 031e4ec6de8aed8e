-- The months that history has a place for, as their first days.
SELECT to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') AS month
FROM pg_inherits
WHERE inhparent = 'price_history'::regclass
