DROP TABLE drift_profile;
DELETE FROM schema_drift WHERE kind IN ('null_rate', 'precision', 'time_grid', 'scale', 'immutable_change');
ALTER TABLE schema_drift
    DROP COLUMN resolved_at,
    DROP CONSTRAINT schema_drift_kind_check,
    ADD CONSTRAINT schema_drift_kind_check
        CHECK (kind IN ('new_field', 'missing_field', 'renamed_field', 'type_change'));
