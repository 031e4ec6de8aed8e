-- The days that a rebuild notes while it derives, as temporary as its session: of what is served they say nothing.
CREATE TEMP TABLE candle_due (LIKE candle_due INCLUDING DEFAULTS INCLUDING IDENTITY)
