-- Reserves a credit for one call and answers how many are used now; nothing, where the month has none left or the key is
-- held. One statement is one transaction, and reservers of one key take turns at its row.
-- $1 source text, $2 key text, $3 plan text, $4 most bigint (null: any number)
INSERT INTO request_quota AS ledger (source, key, used)
SELECT $1, $2, 1
WHERE ($4::bigint IS NULL OR $4 > 0)
  AND NOT EXISTS (
      SELECT FROM request_hold WHERE source = $1 AND key = $2 AND plan = $3 AND until > now()
  )
ON CONFLICT (source, key, month) DO UPDATE SET used = ledger.used + 1, updated_at = now()
WHERE $4 IS NULL OR ledger.used < $4
RETURNING used
