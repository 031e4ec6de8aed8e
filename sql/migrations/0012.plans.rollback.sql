ALTER FUNCTION coin_page RESET plan_cache_mode;
