-- Whether a snapshot can be whole, how many coins it listed, and which coins whole snapshots miss.
-- depends: 0001.tables

ALTER TABLE etl_run ADD COLUMN flags jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(flags) = 'array');
ALTER TABLE etl_run ADD COLUMN coins bigint;
ALTER TABLE etl_run ADD COLUMN scope text;
COMMENT ON COLUMN etl_run.flags IS 'List of {name, reason} of the snapshot that the run ended. torn: ranks moved between its pages, or may have. shrunken: clearly fewer coins than usual.';
COMMENT ON COLUMN etl_run.coins IS 'Different coins that the snapshot listed; null where the run ended none, or only ended what another began.';
COMMENT ON COLUMN etl_run.scope IS 'What the source was asked for. Snapshots of two scopes, such as of another number of pages, are not compared.';

CREATE TABLE coin_absence (
    source            text NOT NULL,
    coin_id           text NOT NULL,
    missed_by         bigint NOT NULL,
    missed_at         timestamptz NOT NULL DEFAULT now(),
    confirmed_by      bigint,
    confirmed_at      timestamptz,
    PRIMARY KEY (source, coin_id)
);
COMMENT ON TABLE coin_absence IS 'Coins that the latest whole snapshot of their source did not list. All others were in it: what does not change is not written. Missing is not gone: a coin may have fallen out of the part of the list that is asked for.';
COMMENT ON COLUMN coin_absence.missed_by IS 'The first run whose whole snapshot missed the coin. It was last seen before that.';
COMMENT ON COLUMN coin_absence.confirmed_by IS 'The next such run: only now may the coin be taken for gone. Torn and shrunken snapshots confirm nothing; one that lists the coin deletes the row.';

CREATE INDEX raw_by_run ON raw (run_id, page);

CREATE FUNCTION page_records(body text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    -- NUL, half an emoji, a byte that is no UTF-8: none behind a backslash that is escaped itself
    letter CONSTANT text := '(?<!\\)((?:\\\\)*)\\(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2}|x[0-9a-f]{2})';
    figure CONSTANT text := '([:,[]\s*)-?(NaN|Infinity|[0-9.]+[eE][+-]?[0-9]{4,})(?=\s*[],}])';
    records jsonb;
BEGIN
    BEGIN
        records := body::jsonb;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        body := regexp_replace(ltrim(body, U&'\FEFF'), letter, '\1\\ufffd', 'g');
        records := regexp_replace(body, figure, '\1null', 'g')::jsonb;
    END;
    RETURN CASE jsonb_typeof(records) WHEN 'array' THEN records END;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END $$;
COMMENT ON FUNCTION page_records IS 'The records of a raw page. What Python reads and PostgreSQL cannot hold becomes U+FFFD or null; a page that is no JSON list is null.';

CREATE FUNCTION as_figure(text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $1 ~ '^[0-9]+(\.[0-9]+)?$' AND length($1) <= 150 THEN $1::numeric END
$$;
COMMENT ON FUNCTION as_figure IS 'What jsonb prints of an amount or a rank, as a number; null for what is none, or has digits without end.';
