-- Every latest row and every tick as text, without our own clocks and counters: what two runs of the same market agree
-- on. The time of an observation is our clock where the source gives none.
SELECT 'latest ' || (to_jsonb(u) - ARRAY['fetched_at', 'updated_at', 'run_id', 'raw_id']
                     - CASE WHEN source_updated_at IS NULL THEN 'observed_at' ELSE '' END)::text AS line
FROM unified_crypto u
UNION ALL
SELECT 'history ' || (to_jsonb(h) - ARRAY['fetched_at', 'known_since', 'run_id', 'raw_id'])::text FROM price_history h
