-- Makes assets, called by their ids until their listings are in.
-- $1 asset_ids text[]
INSERT INTO asset (asset_id, name) SELECT asset_id, asset_id FROM unnest($1::text[]) AS made (asset_id)
