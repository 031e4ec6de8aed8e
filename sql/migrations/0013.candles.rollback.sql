CREATE OR REPLACE FUNCTION drop_history_before(horizon date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    partition regclass;
    dropped   integer := 0;
BEGIN
    FOR partition IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent = 'price_history'::regclass
          AND to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') + interval '1 month' <= horizon
    LOOP
        EXECUTE format('DROP TABLE %s', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
COMMENT ON FUNCTION drop_history_before IS 'Drops whole months that ended before the date; returns how many.';
DROP FUNCTION is_sealed;
DROP FUNCTION history_begins;
DROP FUNCTION listing_ends;
DROP FUNCTION history_coins;
DROP FUNCTION written_days;
DROP FUNCTION roll_up;
DROP FUNCTION asset_candles;
DROP FUNCTION lowest_of_most;
DROP FUNCTION middle;
DROP FUNCTION listing_candles;
DROP FUNCTION rolled_up;
DROP FUNCTION native_candles;
DROP FUNCTION moment_candles;
DROP VIEW observation;
DROP TABLE candle_roll;
DROP TABLE candle_due;
DROP TABLE candle_day;
DROP TYPE candle;
