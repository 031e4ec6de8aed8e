-- What calls cost: a ledger of credits by key and month, the holds that a vendor's answers put on a key, and how each
-- source spends.
-- depends: 0001.tables

CREATE FUNCTION quota_month() RETURNS date LANGUAGE sql STABLE AS $$
    SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date
$$;
COMMENT ON FUNCTION quota_month IS 'The month that credits are counted in now, by the clock of the database, in UTC.';

CREATE FUNCTION quota_resets_at() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (quota_month() + interval '1 month') AT TIME ZONE 'UTC'
$$;
COMMENT ON FUNCTION quota_resets_at IS 'When the next month of credits begins.';

CREATE TABLE request_quota (
    source      text NOT NULL,
    key         text NOT NULL,
    month       date NOT NULL DEFAULT quota_month(),
    used        bigint NOT NULL CHECK (used > 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, key, month)
);
COMMENT ON TABLE request_quota IS 'The ledger of credits: one row for each key and month. Small.';
COMMENT ON COLUMN request_quota.key IS 'A fingerprint that tells keys apart and gives none away; empty for calls without a key.';
COMMENT ON COLUMN request_quota.used IS 'Credits reserved, each before its call and whatever the call brought.';
COMMENT ON COLUMN request_quota.updated_at IS 'When the last credit was reserved.';

CREATE TABLE request_hold (
    source     text NOT NULL,
    key        text NOT NULL,
    plan       text NOT NULL,
    until      timestamptz NOT NULL,
    is_parked  boolean NOT NULL,
    reason     text NOT NULL,
    PRIMARY KEY (source, key)
);
COMMENT ON TABLE request_hold IS 'Until when no call is made under a key: no credit can be reserved meanwhile. Small.';
COMMENT ON COLUMN request_hold.plan IS 'The plan that the key was used on: under another one it is not held.';
COMMENT ON COLUMN request_hold.is_parked IS 'The key or the plan has to be mended by a person; else the vendor asked for a pause.';
COMMENT ON COLUMN request_hold.reason IS 'The answer that the hold follows from; never holds a secret.';

CREATE TABLE source_plan (
    source            text PRIMARY KEY,
    plan              text NOT NULL,
    key               text NOT NULL,
    credits           bigint,
    kept              bigint NOT NULL,
    interval_seconds  double precision NOT NULL,
    declared_at       timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE source_plan IS 'What each source may spend and at what pace it does, as the process says that ran it last. Small.';
COMMENT ON COLUMN source_plan.key IS 'Which rows of request_quota are its own.';
COMMENT ON COLUMN source_plan.credits IS 'Calls in a month; null where the plan promises no number.';
COMMENT ON COLUMN source_plan.kept IS 'Of these, what the schedule leaves for runs that somebody asks for.';
COMMENT ON COLUMN source_plan.interval_seconds IS 'From one cycle to the next, so that the credits last; never less than was configured.';

CREATE FUNCTION calls_per_cycle(wanted text) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT avg(requests)::double precision
    FROM (
        SELECT requests FROM etl_run WHERE source = wanted AND requests > 0 ORDER BY run_id DESC LIMIT 10
    ) AS latest
$$;
COMMENT ON FUNCTION calls_per_cycle IS 'What a cycle of a source costs, retries included: the mean of its last ten runs that asked anything.';
