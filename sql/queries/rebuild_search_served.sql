-- From now on the names of the latest rows and of the history mean what is served; what is derived is in pg_temp.
SELECT set_config('search_path', current_setting('search_path') || ', pg_temp', false)
