-- Whether the upstream of a source says that its figures are simulated.
-- $1 source text, $2 simulated boolean
UPDATE source_state SET simulated = $2 WHERE source = $1 AND simulated <> $2
