DROP FUNCTION calls_per_cycle;
DROP TABLE source_plan;
DROP TABLE request_hold;
DROP TABLE request_quota;
DROP FUNCTION quota_resets_at;
DROP FUNCTION quota_month;
