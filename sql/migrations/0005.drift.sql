-- Drift beyond the declaration: what is usual for the values of a page, departures from it, and drifts that are over.
-- depends: 0003.snapshots

ALTER TABLE schema_drift
    DROP CONSTRAINT schema_drift_kind_check,
    ADD CONSTRAINT schema_drift_kind_check CHECK (kind IN (
        'new_field', 'missing_field', 'renamed_field', 'type_change',
        'null_rate', 'precision', 'time_grid', 'scale', 'immutable_change'
    )),
    ADD COLUMN resolved_at timestamptz;
COMMENT ON COLUMN schema_drift.acknowledged_at IS 'When a person accepted it; null again when it changes further.';
COMMENT ON COLUMN schema_drift.resolved_at IS 'When a whole snapshot first did not show it any more; null again when one does.';

CREATE TABLE drift_profile (
    source   text NOT NULL,
    part     text NOT NULL,
    learned  jsonb NOT NULL,
    as_of    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, part)
);
COMMENT ON TABLE drift_profile IS 'What is usual for the values of each page of a snapshot: moved by the transaction of the page. Small.';
COMMENT ON COLUMN drift_profile.part IS 'The page of the snapshot, as page=2; empty for the first.';
COMMENT ON COLUMN drift_profile.learned IS
    '{traits: {"kind path": {usual: [{class: count}], departure: {class: count}}}, immutables: {path: {coin: [cause, value]}}}';
COMMENT ON COLUMN drift_profile.as_of IS 'What was acknowledged later is accepted from the next page on.';
