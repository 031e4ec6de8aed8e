-- Empties the staging table between two batches of one page.
DELETE FROM staged
