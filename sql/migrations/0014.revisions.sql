-- What was known before: what ticks, names, links and states said until they said something else.
-- depends: 0012.plans

CREATE TABLE knowledge (
    since     timestamptz NOT NULL,
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);
INSERT INTO knowledge (since) VALUES (now());
COMMENT ON TABLE knowledge IS 'From which moment on it can be told what was known at a moment. One row.';

ALTER TABLE price_history ADD COLUMN known_since timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN price_history.known_since IS 'When the transaction began that wrote the tick as it is: later than fetched_at by a moment, or by weeks where a record was replayed. Not before knowledge.since.';

CREATE TABLE price_revision (
    source          text NOT NULL,
    coin_id         text NOT NULL,
    observed_at     timestamptz NOT NULL,
    price_usd       numeric NOT NULL,
    market_cap_usd  numeric,
    volume_24h_usd  numeric,
    open_usd        numeric,
    high_usd        numeric,
    low_usd         numeric,
    fetched_at      timestamptz NOT NULL,
    run_id          bigint NOT NULL,
    raw_id          bigint NOT NULL,
    raw_position    integer NOT NULL,
    revision        smallint NOT NULL,
    known_since     timestamptz NOT NULL,
    known_until     timestamptz NOT NULL,
    PRIMARY KEY (coin_id, source, observed_at, known_until)
);
COMMENT ON TABLE price_revision IS 'Ticks as they were before they were corrected, or deleted by a rebuild. Written by a trigger, whoever writes price_history.';
COMMENT ON COLUMN price_revision.known_until IS 'When the transaction began that changed the tick: up to then, and no longer, it was as it is here.';

CREATE FUNCTION keep_tick() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- what was not known before this transaction was never known to others
    IF OLD.known_since < now() THEN
        INSERT INTO price_revision (
            source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd,
            fetched_at, run_id, raw_id, raw_position, revision, known_since, known_until
        ) VALUES (
            OLD.source, OLD.coin_id, OLD.observed_at, OLD.price_usd, OLD.market_cap_usd, OLD.volume_24h_usd,
            OLD.open_usd, OLD.high_usd, OLD.low_usd, OLD.fetched_at, OLD.run_id, OLD.raw_id, OLD.raw_position,
            OLD.revision, OLD.known_since, now()
        );
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.known_since := now();
    RETURN NEW;
END $$;
CREATE TRIGGER keep_tick BEFORE UPDATE OR DELETE ON price_history FOR EACH ROW EXECUTE FUNCTION keep_tick();
COMMENT ON FUNCTION keep_tick IS 'Nothing that a tick said is lost. Costs nothing where ticks are new.';

CREATE FUNCTION ticks_known(moment timestamptz) RETURNS TABLE (
    source text, coin_id text, observed_at timestamptz, price_usd numeric, market_cap_usd numeric,
    volume_24h_usd numeric, open_usd numeric, high_usd numeric, low_usd numeric, fetched_at timestamptz,
    run_id bigint, raw_id bigint, raw_position integer, revision smallint
) LANGUAGE sql STABLE AS $$
    SELECT
        source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd,
        fetched_at, run_id, raw_id, raw_position, revision
    FROM price_history
    WHERE known_since <= moment
    UNION ALL
    SELECT
        source, coin_id, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd,
        fetched_at, run_id, raw_id, raw_position, revision
    FROM price_revision
    WHERE known_since <= moment AND known_until > moment
$$;
COMMENT ON FUNCTION ticks_known IS 'The history as it was known at a moment. The planner writes it into the statement around it.';

CREATE TABLE coin_mark (
    source          text NOT NULL,
    coin_id         text NOT NULL,
    known_since     timestamptz NOT NULL,
    observed_at     timestamptz NOT NULL,
    price_usd       numeric,
    market_cap_usd  numeric,
    volume_24h_usd  numeric,
    open_usd        numeric,
    high_usd        numeric,
    low_usd         numeric,
    PRIMARY KEY (coin_id, source, known_since)
);
COMMENT ON TABLE coin_mark IS 'What a latest row said from a moment on, where ticks alone do not tell: it gave no price, went back in time, or was dated ahead; ticks were written that did not make it, or those that did were dropped. Ticks that became known later, or in the same transaction, and are no older go before it.';

CREATE FUNCTION keep_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coin_mark AS mark (
        source, coin_id, known_since, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd
    ) VALUES (
        NEW.source, NEW.coin_id, now(), NEW.observed_at, NEW.price_usd, NEW.market_cap_usd, NEW.volume_24h_usd,
        NEW.open_usd, NEW.high_usd, NEW.low_usd
    ) ON CONFLICT (coin_id, source, known_since) DO UPDATE SET
        observed_at = excluded.observed_at, price_usd = excluded.price_usd, market_cap_usd = excluded.market_cap_usd,
        volume_24h_usd = excluded.volume_24h_usd, open_usd = excluded.open_usd, high_usd = excluded.high_usd,
        low_usd = excluded.low_usd;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_first_mark AFTER INSERT ON unified_crypto FOR EACH ROW
    WHEN (NEW.price_usd IS NULL OR NEW.observed_at > now() + interval '1 minute')
    EXECUTE FUNCTION keep_mark();
CREATE TRIGGER keep_mark AFTER UPDATE ON unified_crypto FOR EACH ROW
    WHEN (NEW.price_usd IS NULL OR NEW.observed_at < OLD.observed_at OR NEW.observed_at > now() + interval '1 minute')
    EXECUTE FUNCTION keep_mark();
COMMENT ON FUNCTION keep_mark IS 'Called for the few rows that no tick tells of.';

CREATE TABLE coin_name (
    source       text NOT NULL,
    coin_id      text NOT NULL,
    known_until  timestamptz NOT NULL,
    name         text NOT NULL,
    symbol       text,
    PRIMARY KEY (coin_id, source, known_until)
);
COMMENT ON TABLE coin_name IS 'What a source called a coin before it called it otherwise. Written by a trigger, whoever writes unified_crypto.';

CREATE FUNCTION keep_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO coin_name (source, coin_id, known_until, name, symbol)
    VALUES (OLD.source, OLD.coin_id, now(), OLD.name, OLD.symbol)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_name AFTER UPDATE ON unified_crypto FOR EACH ROW
    WHEN (NEW.name <> OLD.name OR NEW.symbol IS DISTINCT FROM OLD.symbol)
    EXECUTE FUNCTION keep_name();
CREATE TRIGGER keep_last_name AFTER DELETE ON unified_crypto FOR EACH ROW EXECUTE FUNCTION keep_name();
COMMENT ON FUNCTION keep_name IS 'Called for the few rows that are renamed.';

CREATE FUNCTION latest_known(of_source text, of_coin text, moment timestamptz) RETURNS TABLE (
    observed_at timestamptz, price_usd numeric, market_cap_usd numeric, volume_24h_usd numeric, open_usd numeric,
    high_usd numeric, low_usd numeric
) ROWS 1 LANGUAGE sql STABLE AS $$
    SELECT
        latest.observed_at, latest.price_usd, latest.market_cap_usd, latest.volume_24h_usd, latest.open_usd,
        latest.high_usd, latest.low_usd
    FROM (SELECT) AS one
    LEFT JOIN LATERAL (
        SELECT * FROM coin_mark
        WHERE coin_id = of_coin AND source = of_source AND known_since <= moment
        ORDER BY known_since DESC
        LIMIT 1
    ) AS mark ON true
    CROSS JOIN LATERAL (
        -- each table is read in its own order, and no further than needed; a tick ahead of the moment has its mark
        (
            SELECT observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd, false AS is_mark
            FROM price_history
            WHERE coin_id = of_coin AND source = of_source AND known_since <= moment
              AND observed_at <= moment + interval '1 minute'
              AND observed_at >= coalesce(mark.observed_at, '-infinity')
              AND known_since >= coalesce(mark.known_since, '-infinity')
            ORDER BY observed_at DESC
            LIMIT 1
        )
        UNION ALL
        (
            SELECT observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd, false
            FROM price_revision
            WHERE coin_id = of_coin AND source = of_source AND known_since <= moment AND known_until > moment
              AND observed_at <= moment + interval '1 minute'
              AND observed_at >= coalesce(mark.observed_at, '-infinity')
              AND known_since >= coalesce(mark.known_since, '-infinity')
            ORDER BY observed_at DESC
            LIMIT 1
        )
        UNION ALL
        SELECT
            mark.observed_at, mark.price_usd, mark.market_cap_usd, mark.volume_24h_usd, mark.open_usd, mark.high_usd,
            mark.low_usd, true
        WHERE mark.observed_at IS NOT NULL
        ORDER BY is_mark, observed_at DESC
        LIMIT 1
    ) AS latest
$$;
COMMENT ON FUNCTION latest_known IS 'What was known last of a coin of a source at a moment; no row where it was not known yet. The planner writes it into the statement around it.';

CREATE TABLE former_row (
    relation     text NOT NULL,
    key          text NOT NULL,
    known_until  timestamptz NOT NULL,
    was          jsonb NOT NULL,
    PRIMARY KEY (relation, key, known_until)
);
CREATE INDEX former_row_by_asset ON former_row ((was ->> 'asset_id')) WHERE relation = 'asset_source';
COMMENT ON TABLE former_row IS 'Rows of small tables as they were before they changed: where listings were, what assets were merged into, which coins were missing, how sources were. Written by triggers.';
COMMENT ON COLUMN former_row.key IS 'Of the row, its parts joined by a slash: coinpaprika/btc-bitcoin.';

CREATE FUNCTION keep_former() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO former_row (relation, key, known_until, was)
    SELECT TG_TABLE_NAME, string_agg(to_jsonb(OLD) ->> part, '/' ORDER BY place), now(), to_jsonb(OLD)
    FROM unnest(TG_ARGV) WITH ORDINALITY AS parts (part, place)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_former AFTER UPDATE ON asset_source FOR EACH ROW
    WHEN (OLD.asset_id <> NEW.asset_id)
    EXECUTE FUNCTION keep_former('source', 'coin_id');
CREATE TRIGGER keep_former AFTER UPDATE ON asset FOR EACH ROW
    WHEN (OLD.merged_into IS DISTINCT FROM NEW.merged_into)
    EXECUTE FUNCTION keep_former('asset_id');
COMMENT ON FUNCTION keep_former IS 'Its arguments are the columns of the key. Of several changes in one transaction only the first takes from a row what others knew.';

ALTER TABLE asset_source ADD COLUMN placed_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN asset_source.placed_at IS 'Since when it is in any asset.';

CREATE FUNCTION former(of_relation text, of_key text, moment timestamptz) RETURNS TABLE (was jsonb)
ROWS 1 LANGUAGE sql STABLE AS $$
    SELECT was FROM former_row
    WHERE relation = of_relation AND key = of_key AND known_until > moment
    ORDER BY known_until
    LIMIT 1
$$;
COMMENT ON FUNCTION former IS 'The row as it was at a moment; no row where it has not changed since.';

CREATE FUNCTION asset_known(of_source text, of_coin text, moment timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(former.was ->> 'asset_id', placed.asset_id)
    FROM asset_source AS placed
    LEFT JOIN LATERAL former('asset_source', placed.source || '/' || placed.coin_id, moment) ON true
    WHERE placed.source = of_source AND placed.coin_id = of_coin AND placed.placed_at <= moment
$$;
COMMENT ON FUNCTION asset_known IS 'The asset that a listing was in at a moment; null where it was in none yet.';

CREATE FUNCTION assets_known(assets text[], moment timestamptz) RETURNS TABLE (asset_id text) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT
        CASE WHEN former.was IS NULL THEN coalesce(a.merged_into, a.asset_id)
             ELSE coalesce(former.was ->> 'merged_into', a.asset_id) END
    FROM asset AS a
    LEFT JOIN LATERAL former('asset', a.asset_id, moment) ON true
    WHERE a.asset_id = ANY (assets) AND a.created_at <= moment
$$;
COMMENT ON FUNCTION assets_known IS 'The assets that stood for these at a moment: those that had taken them over by then, else themselves.';

CREATE FUNCTION listings_known(assets text[], moment timestamptz) RETURNS TABLE (asset_id text, source text, coin_id text)
LANGUAGE sql STABLE AS $$
    SELECT wanted.asset_id, listed.source, listed.coin_id
    FROM assets_known(assets, moment) AS wanted
    CROSS JOIN LATERAL (
        SELECT placed.source, placed.coin_id FROM asset_source AS placed WHERE placed.asset_id = wanted.asset_id
        UNION
        SELECT was ->> 'source', was ->> 'coin_id' FROM former_row
        WHERE relation = 'asset_source' AND was ->> 'asset_id' = wanted.asset_id AND known_until > moment
    ) AS listed
    WHERE asset_known(listed.source, listed.coin_id, moment) = wanted.asset_id
$$;
COMMENT ON FUNCTION listings_known IS 'The listings of assets at a moment.';

CREATE FUNCTION coins_known(
    moment timestamptz, sources text[], symbols text[], ids text[], price_gte numeric, q text, assets text[]
) RETURNS TABLE (
    id bigint, coin_id text, name text, symbol text, price_usd numeric, market_cap_usd numeric, volume_24h_usd numeric,
    source text, observed_at timestamptz, asset_id text, open_usd numeric, high_usd numeric, low_usd numeric
) LANGUAGE sql STABLE AS $$
    SELECT
        c.id, c.coin_id, called.name, called.symbol, latest.price_usd, latest.market_cap_usd, latest.volume_24h_usd,
        c.source, latest.observed_at, asset_known(c.source, c.coin_id, moment), latest.open_usd, latest.high_usd,
        latest.low_usd
    FROM unified_crypto AS c
    LEFT JOIN LATERAL (
        SELECT f.name, f.symbol, true AS is_former FROM coin_name AS f
        WHERE f.coin_id = c.coin_id AND f.source = c.source AND f.known_until > moment
        ORDER BY f.known_until
        LIMIT 1
    ) AS before ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(before.name, c.name) AS name, CASE WHEN is_former THEN before.symbol ELSE c.symbol END AS symbol
    ) AS called
    CROSS JOIN LATERAL latest_known(c.source, c.coin_id, moment) AS latest
    WHERE (sources IS NULL OR c.source = ANY (sources))
      AND (symbols IS NULL OR lower(called.symbol) = ANY (ARRAY(SELECT lower(wanted) FROM unnest(symbols) AS wanted)))
      AND (ids IS NULL OR c.coin_id = ANY (ids))
      AND (price_gte IS NULL OR latest.price_usd >= price_gte)
      AND (q IS NULL OR called.name ILIKE q OR called.symbol ILIKE q OR c.coin_id ILIKE q)
      AND (assets IS NULL OR (c.source, c.coin_id) IN (
          SELECT listed.source, listed.coin_id FROM listings_known(assets, moment) AS listed
      ))
$$;
COMMENT ON FUNCTION coins_known IS 'The latest rows as they were known at a moment, those that pass every filter: what ticks tell of them. The planner writes it into the statement around it.';

CREATE FUNCTION coin_page_known(
    moment timestamptz, sources text[], symbols text[], ids text[], price_gte numeric, q text, assets text[],
    fields text[], sort text[], after text[], is_backward boolean, wanted integer
) RETURNS TABLE (coin text, keys text[]) LANGUAGE plpgsql STABLE SET plan_cache_mode = 'auto' AS $$
DECLARE
    shown   text := (SELECT string_agg(format('c.%I', field), ', ') FROM unnest(fields) AS field);
    ordered text := (SELECT string_agg(format('c.%I', ltrim(key, '-')), ', ') FROM unnest(sort) AS key);
    segment text;
    passed  integer;
BEGIN
    FOR segment IN SELECT coin_segments(sort, after, is_backward) LOOP
        RETURN QUERY EXECUTE format(
            'SELECT (SELECT row_to_json(shown) FROM (SELECT %s) AS shown)::text, ARRAY[%s]::text[]
             FROM coins_known($1, $2, $3, $4, $5, $6, $7) AS c
             WHERE %s ORDER BY %s LIMIT $8', shown, ordered, segment, coin_order(sort, is_backward))
            USING moment, sources, symbols, ids, price_gte, q, assets, wanted;
        GET DIAGNOSTICS passed = ROW_COUNT;
        wanted := wanted - passed;
        EXIT WHEN wanted <= 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION coin_page_known IS 'A page of the latest rows as they were known at a moment; see coin_page.';

ALTER TABLE source_state ADD COLUMN declared_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN source_state.declared_at IS 'Since when the source is known.';

CREATE TRIGGER keep_former AFTER DELETE ON coin_absence FOR EACH ROW
    EXECUTE FUNCTION keep_former('source', 'coin_id');
-- looks at a pace of their own are not kept, only that there was none for longer
CREATE TRIGGER keep_former AFTER UPDATE ON source_state FOR EACH ROW
    WHEN (
        (OLD.enabled, OLD.is_parked, OLD.failures > 0, OLD.interval_seconds)
            IS DISTINCT FROM (NEW.enabled, NEW.is_parked, NEW.failures > 0, NEW.interval_seconds)
        OR coalesce(
            NEW.checked_at - OLD.checked_at > 2 * NEW.interval_seconds * interval '1 second', NEW.checked_at IS NOT NULL
        )
    )
    EXECUTE FUNCTION keep_former('source');
CREATE TRIGGER keep_former AFTER UPDATE ON source_plan FOR EACH ROW
    WHEN (OLD.interval_seconds <> NEW.interval_seconds)
    EXECUTE FUNCTION keep_former('source');

CREATE FUNCTION forget_knowledge_before(horizon date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamptz := greatest(
        (SELECT since FROM knowledge), date_trunc('month', horizon::timestamp) AT TIME ZONE 'UTC');
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_inherits
        WHERE inhparent = 'price_history'::regclass
          AND to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') + interval '1 month' <= horizon
    ) THEN
        RETURN;
    END IF;
    INSERT INTO coin_mark (
        source, coin_id, known_since, observed_at, price_usd, market_cap_usd, volume_24h_usd, open_usd, high_usd, low_usd
    )
    SELECT
        c.source, c.coin_id, first, latest.observed_at, latest.price_usd, latest.market_cap_usd, latest.volume_24h_usd,
        latest.open_usd, latest.high_usd, latest.low_usd
    FROM unified_crypto AS c
    CROSS JOIN LATERAL latest_known(c.source, c.coin_id, first) AS latest
    ON CONFLICT DO NOTHING;
    DELETE FROM coin_mark WHERE known_since < first;
    DELETE FROM price_revision WHERE known_until <= first;
    DELETE FROM coin_name WHERE known_until <= first;
    DELETE FROM former_row WHERE known_until <= first;
    UPDATE knowledge SET since = first WHERE since < first;
END $$;
COMMENT ON FUNCTION forget_knowledge_before IS 'Called before months of history are dropped that ended before the date. What was known is told from the month of that date on: the last tick of each coin before that stays, as a mark.';
