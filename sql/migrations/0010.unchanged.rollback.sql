-- Pages without a text of their own get it back.

UPDATE raw SET body = original.body, same_as = NULL
FROM raw AS original
WHERE original.source = raw.source AND original.raw_id = raw.same_as;
DROP INDEX raw_by_original;
ALTER TABLE raw DROP CONSTRAINT raw_has_a_body;
ALTER TABLE raw DROP COLUMN same_as;
ALTER TABLE raw ALTER COLUMN body SET NOT NULL;
COMMENT ON COLUMN raw.body IS 'The exact text of the page.';
