-- Chooses the pages of a rebuild: from the first page of a run on, since a coin may be repeated within a run, and none of
-- a backfill. Answers them in the order in which they were committed.
-- $1 source text, $2 fetched since timestamptz (null: ever), $3 boolean: only pages that tell how they were read
WITH whole AS (
    SELECT raw_id FROM raw
    WHERE source = $1 AND page = 1 AND reading -> 'past' IS NULL
      AND raw_id > (SELECT coalesce(max(raw_id), 0) FROM raw WHERE source = $1 AND $3::boolean AND reading = '{}')
), asked AS (
    SELECT min(raw_id) AS raw_id FROM raw WHERE source = $1 AND ($2::timestamptz IS NULL OR fetched_at >= $2)
), first AS (
    SELECT coalesce(
        (SELECT max(raw_id) FROM whole WHERE raw_id <= (SELECT raw_id FROM asked)),
        (SELECT min(raw_id) FROM whole WHERE raw_id > (SELECT raw_id FROM asked))
    ) AS raw_id
), chosen AS (
    INSERT INTO rebuild_page
    SELECT raw_id FROM raw p
    WHERE source = $1 AND raw_id >= (SELECT raw_id FROM first) AND reading -> 'past' IS NULL
      AND (body IS NOT NULL OR EXISTS (SELECT FROM raw o WHERE o.source = p.source AND o.raw_id = p.same_as))
    RETURNING raw_id
)
SELECT raw_id FROM chosen ORDER BY raw_id
