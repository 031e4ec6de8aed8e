-- Brings the contracts of a source in line with what it says; answers how many are new or gone.
-- $1 source text, $2 coin_ids text[], $3 chains text[], $4 addresses text[]
WITH told AS MATERIALIZED (
    SELECT DISTINCT coin_id, chain, address FROM unnest($2::text[], $3::text[], $4::text[]) AS t (coin_id, chain, address)
), gone AS (
    DELETE FROM coin_contract AS known
    WHERE source = $1
      AND NOT EXISTS (
          SELECT FROM told
          WHERE (told.coin_id, told.chain, told.address) = (known.coin_id, known.chain, known.address)
      )
    RETURNING 1
), new AS (
    INSERT INTO coin_contract (source, coin_id, chain, address)
    SELECT $1, coin_id, chain, address FROM told
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM new)
