-- The rest of this transaction may take as long as an export does, and plans the functions that it calls for each row once.
SELECT set_config('statement_timeout', '1h', true), set_config('plan_cache_mode', 'auto', true)
