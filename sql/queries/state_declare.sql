-- A source is run by this service, at this interval, from now on. A tick that was run well is not run again by a start
-- that asks for the same: the next one follows it at the interval, or at the slower pace that the credits allow. What is
-- due stays due, the next try of a run that died stays where it is, and everything else is due at once.
-- $1 source text, $2 interval_seconds double precision, $3 pace in seconds double precision,
-- $4 scope text (null: looking costs nothing)
INSERT INTO source_state AS known (source, interval_seconds, scope, next_run_at)
VALUES ($1, $2, $4, clock_timestamp())
ON CONFLICT (source) DO UPDATE SET
    enabled = true, interval_seconds = excluded.interval_seconds, scope = excluded.scope, is_parked = false,
    reason = NULL, updated_at = now(),
    (failures, next_run_at) = (
        SELECT
            CASE WHEN has_died THEN known.failures ELSE 0 END,
            coalesce(
                CASE
                    WHEN has_died OR known.next_run_at <= clock_timestamp() THEN known.next_run_at
                    WHEN is_well OR EXISTS (SELECT FROM lease_held l WHERE l.source = $1) THEN greatest(
                        next_tick(known.phase, $2, taken_at),
                        CASE WHEN $3 > $2 THEN taken_at + $3 * interval '1 second' END
                    )
                END,
                clock_timestamp()
            )
        FROM (
            SELECT
                known.scope = $4 AND known.failures = 0 AND NOT known.is_parked AS is_well,
                known.scope = $4 AND status = 'abandoned' AS has_died,
                least(known.taken_at, clock_timestamp()) AS taken_at
            FROM (SELECT) AS one
            LEFT JOIN LATERAL (
                SELECT status FROM etl_cycle r WHERE r.source = $1 ORDER BY run_id DESC LIMIT 1
            ) AS last_run ON true
        ) AS before
    )
