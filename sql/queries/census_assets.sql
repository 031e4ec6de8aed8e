-- Assets that have listings, behind one, in the order of their ids.
-- $1 after text, $2 limit bigint
SELECT asset_id FROM asset WHERE sources > 0 AND asset_id > $1 ORDER BY asset_id LIMIT $2
