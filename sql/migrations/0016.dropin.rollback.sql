DROP FUNCTION as_number;
DROP FUNCTION as_moment;
DROP FUNCTION in_digits;
DROP FUNCTION change_over;
DROP FUNCTION change_in_unit;
DROP FUNCTION in_unit;
DROP FUNCTION coins_listed;
