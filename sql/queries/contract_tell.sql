-- Adds contracts that a source has told, in place of the addresses that it told before for the same coins and chains.
-- $1 source text, $2 coin_ids text[], $3 chains text[], $4 addresses text[]
WITH told AS MATERIALIZED (
    SELECT coin_id, chain, address FROM unnest($2::text[], $3::text[], $4::text[]) AS t (coin_id, chain, address)
), gone AS (
    DELETE FROM coin_contract AS known USING told
    WHERE known.source = $1 AND (known.coin_id, known.chain) = (told.coin_id, told.chain)
      AND known.address <> told.address
)
INSERT INTO coin_contract (source, coin_id, chain, address)
SELECT $1, coin_id, chain, address FROM told
ON CONFLICT DO NOTHING
