-- The raw pages of a rebuild, as temporary as its session.
CREATE TEMP TABLE rebuild_page (raw_id bigint PRIMARY KEY)
