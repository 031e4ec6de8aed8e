-- Says of assets that have no listings left which others took them over; whoever pointed at them points there too.
-- $1 asset_ids text[], $2 text[]: the asset that each went to
UPDATE asset AS known SET merged_into = into_id, sources = 0, is_ambiguous = false, updated_at = now()
FROM unnest($1::text[], $2::text[]) AS merged (from_id, into_id)
WHERE from_id IN (known.asset_id, known.merged_into)
