-- A page plans the function that it calls for each of its rows once, and not once a row.
-- depends: 0011.serving

ALTER FUNCTION coin_page SET plan_cache_mode = 'auto';
