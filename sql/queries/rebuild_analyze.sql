-- Tells the planner how much was derived.
ANALYZE pg_temp.unified_crypto, pg_temp.price_history, pg_temp.rebuild_page
