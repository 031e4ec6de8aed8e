-- A source was looked at, and had nothing new.
-- $1 source text
UPDATE source_state SET checked_at = now() WHERE source = $1
