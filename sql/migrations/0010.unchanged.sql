-- A page that comes again, byte for byte, is kept once.
-- depends: 0006.quarantine

ALTER TABLE raw ALTER COLUMN body DROP NOT NULL;
ALTER TABLE raw ADD COLUMN same_as bigint;
ALTER TABLE raw ADD CONSTRAINT raw_has_a_body CHECK ((body IS NULL) = (same_as IS NOT NULL));
CREATE INDEX raw_by_original ON raw (source, same_as) WHERE same_as IS NOT NULL;
COMMENT ON COLUMN raw.body IS 'The exact text of the page; null where it is that of the page same_as.';
COMMENT ON COLUMN raw.same_as IS 'The raw_id of the page of this source that has the same text, which is kept as long as this one.';
