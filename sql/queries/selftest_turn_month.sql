-- A month passes: the ledger of credits begins anew. Answers what was used of each.
DELETE FROM request_quota RETURNING used
