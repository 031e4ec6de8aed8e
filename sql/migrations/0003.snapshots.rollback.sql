DROP FUNCTION as_figure;
DROP FUNCTION page_records;
DROP INDEX raw_by_run;
DROP TABLE coin_absence;
ALTER TABLE etl_run DROP COLUMN scope;
ALTER TABLE etl_run DROP COLUMN coins;
ALTER TABLE etl_run DROP COLUMN flags;
