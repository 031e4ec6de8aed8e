-- What the API reads by: pages of the latest rows in any order, each found by an index; and the version of the data.
-- depends: 0006.quarantine 0008.assets 0010.unchanged

DROP INDEX unified_crypto_by_rank;
CREATE INDEX unified_crypto_by_rank ON unified_crypto (rank, market_cap_usd DESC NULLS LAST, source, coin_id);
CREATE INDEX unified_crypto_by_market_cap ON unified_crypto (market_cap_usd, source, coin_id);
CREATE INDEX unified_crypto_by_update ON unified_crypto (updated_at, source, coin_id);

CREATE FUNCTION asset_id(listing unified_crypto) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT placed.asset_id FROM asset_source placed
    WHERE placed.source = listing.source AND placed.coin_id = listing.coin_id
$$;
COMMENT ON FUNCTION asset_id IS 'The coin, whoever lists it; null until the run that brought the listing has ended.';

CREATE FUNCTION coins_matching(
    sources text[], symbols text[], ids text[], rank_lte integer, price_gte numeric,
    updated_since timestamptz, observed_since timestamptz, q text, assets text[]
) RETURNS SETOF unified_crypto LANGUAGE sql STABLE AS $$
    SELECT *
    FROM unified_crypto c
    WHERE (sources IS NULL OR c.source = ANY (sources))
      AND (symbols IS NULL OR lower(c.symbol) = ANY (ARRAY(SELECT lower(wanted) FROM unnest(symbols) AS wanted)))
      AND (ids IS NULL OR c.coin_id = ANY (ids))
      AND (rank_lte IS NULL OR c.rank <= rank_lte)
      AND (price_gte IS NULL OR c.price_usd >= price_gte)
      AND (updated_since IS NULL OR c.updated_at >= updated_since)
      AND (observed_since IS NULL OR c.observed_at >= observed_since)
      AND (q IS NULL OR c.name ILIKE q OR c.symbol ILIKE q OR c.coin_id ILIKE q)
      AND (assets IS NULL OR (c.source, c.coin_id) IN (
          SELECT placed.source, placed.coin_id FROM asset_source placed
          WHERE placed.asset_id IN (SELECT coalesce(a.merged_into, a.asset_id) FROM asset a WHERE a.asset_id = ANY (assets))
      ))
$$;
COMMENT ON FUNCTION coins_matching IS 'The latest rows that pass every filter; null is no filter, and q is a pattern of LIKE. The planner writes it into the statement around it.';

CREATE FUNCTION coin_segments(sort text[], after text[], is_backward boolean) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    prefix text[] := '{}';
    key    text;
BEGIN
    IF after IS NULL THEN
        key := quote_ident(ltrim(sort[1], '-'));
        RETURN QUERY VALUES (key || ' IS NOT NULL'), (key || ' IS NULL');
        RETURN;
    END IF;
    FOR place IN 1..cardinality(sort) LOOP
        key := quote_ident(ltrim(sort[place], '-'));
        prefix := prefix || (key || coalesce(' = ' || quote_literal(after[place]), ' IS NULL'));
    END LOOP;
    FOR place IN REVERSE cardinality(sort)..1 LOOP
        key := quote_ident(ltrim(sort[place], '-'));
        prefix := trim_array(prefix, 1);
        IF after[place] IS NOT NULL THEN
            RETURN NEXT array_to_string(prefix || concat_ws(' ', key,
                CASE WHEN (sort[place] LIKE '-%') = is_backward THEN '>' ELSE '<' END, quote_literal(after[place])), ' AND ');
        END IF;
        IF (after[place] IS NULL) = is_backward AND key NOT IN ('source', 'coin_id') THEN
            RETURN NEXT array_to_string(prefix || concat(key, ' IS', CASE WHEN is_backward THEN ' NOT' END, ' NULL'), ' AND ');
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION coin_segments IS 'What follows a place in an order, as ranges that stand one behind the other, each of which an index finds: for one condition with OR or with rows, the planner would not use it. A sort key with a minus descends; what is unknown comes last. The order ends with source and coin_id, which are never unknown.';

CREATE FUNCTION coin_order(sort text[], is_backward boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(
        concat(quote_ident(ltrim(key, '-')), CASE WHEN (key LIKE '-%') = is_backward THEN ' ASC' ELSE ' DESC' END,
            CASE WHEN place = 1 OR key ~ '^-?(source|coin_id)$' THEN '' WHEN is_backward THEN ' NULLS FIRST' ELSE ' NULLS LAST' END),
        ', ' ORDER BY place)
    FROM unnest(sort) WITH ORDINALITY AS keys (key, place)
$$;
COMMENT ON FUNCTION coin_order IS 'The order of rows inside a range. No range mixes known and unknown values of the first key: it is read as the index has it, in either direction.';

CREATE FUNCTION coin_page(
    sources text[], symbols text[], ids text[], rank_lte integer, price_gte numeric,
    updated_since timestamptz, observed_since timestamptz, q text, assets text[],
    fields text[], sort text[], after text[], is_backward boolean, skipped integer, wanted integer
) RETURNS TABLE (coin text, keys text[]) LANGUAGE plpgsql STABLE AS $$
DECLARE
    shown   text := (SELECT string_agg(format('c.%I', field), ', ') FROM unnest(fields) AS field);
    ordered text := (SELECT string_agg(format('c.%I', ltrim(key, '-')), ', ')
                     FROM unnest(sort) AS key);
    segment text;
    passed  integer;
BEGIN
    FOR segment IN SELECT coin_segments(sort, after, is_backward) LOOP
        IF skipped > 0 THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM coins_matching($1, $2, $3, $4, $5, $6, $7, $8, $9) WHERE %s LIMIT $10) AS passed', segment)
                INTO passed USING sources, symbols, ids, rank_lte, price_gte, updated_since, observed_since, q, assets, skipped;
        END IF;
        IF skipped > passed THEN
            skipped := skipped - passed;
            CONTINUE;
        END IF;
        RETURN QUERY EXECUTE format(
            'SELECT (SELECT row_to_json(shown) FROM (SELECT %s) AS shown)::text, ARRAY[%s]::text[]
             FROM coins_matching($1, $2, $3, $4, $5, $6, $7, $8, $9) AS c
             WHERE %s ORDER BY %s LIMIT $10 OFFSET $11', shown, ordered, segment, coin_order(sort, is_backward))
            USING sources, symbols, ids, rank_lte, price_gte, updated_since, observed_since, q, assets, wanted, skipped;
        GET DIAGNOSTICS passed = ROW_COUNT;
        skipped := 0;
        wanted := wanted - passed;
        EXIT WHEN wanted <= 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION coin_page IS 'A page of the latest rows as JSON, each with its place in the order as text; backward: from the place towards the beginning. Range after range is read until the page is full.';

CREATE FUNCTION coin_total(
    sources text[], symbols text[], ids text[], rank_lte integer, price_gte numeric,
    updated_since timestamptz, observed_since timestamptz, q text, assets text[],
    OUT total bigint, OUT is_exact boolean
) LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM coins_matching($1, $2, $3, $4, $5, $6, $7, $8, $9)'
        INTO plan USING sources, symbols, ids, rank_lte, price_gte, updated_since, observed_since, q, assets;
    is_exact := (plan #>> '{0,Plan,Total Cost}')::double precision <= 5000;
    IF is_exact THEN
        EXECUTE 'SELECT count(*) FROM coins_matching($1, $2, $3, $4, $5, $6, $7, $8, $9)'
            INTO total USING sources, symbols, ids, rank_lte, price_gte, updated_since, observed_since, q, assets;
    ELSE
        total := (plan #>> '{0,Plan,Plan Rows}')::bigint;
    END IF;
END $$;
COMMENT ON FUNCTION coin_total IS 'How many rows match: counted where the planner says that this takes a few milliseconds, else as it estimates.';

CREATE TABLE data_version (
    source      text PRIMARY KEY,
    version     bigint NOT NULL,
    changed_at  timestamptz NOT NULL
);
COMMENT ON TABLE data_version IS 'How often what is served of a source has changed: moved by the transaction that changes it, which also notifies kasparro_data.';
COMMENT ON COLUMN data_version.changed_at IS 'Clock time of the last change: tells versions apart after a restore.';
