-- The version of the data of each source that has any: the id of the latest page that was committed for it.
SELECT source, raw_id AS version
FROM source_state
CROSS JOIN LATERAL (
    SELECT raw_id FROM raw r WHERE r.source = source_state.source ORDER BY raw_id DESC LIMIT 1
) AS latest
