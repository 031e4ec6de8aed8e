-- The rest of this transaction may take as long as an export does.
SET LOCAL statement_timeout = '1h'
