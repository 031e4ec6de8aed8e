-- What time it is where runs end.
SELECT clock_timestamp()
