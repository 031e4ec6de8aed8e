-- What was counted last, by whatever process; nothing before the first time.
SELECT counts FROM price_census WHERE counted_at IS NOT NULL
