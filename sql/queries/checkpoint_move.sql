-- Moves a checkpoint: in the transaction of the page that it stands behind.
-- $1 source text, $2 stream text, $3 cursor jsonb, $4 run_id bigint, $5 page int
INSERT INTO etl_checkpoint (source, stream, cursor, run_id, page)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (source, stream) DO UPDATE SET
    cursor = excluded.cursor, run_id = excluded.run_id, page = excluded.page, updated_at = now()
