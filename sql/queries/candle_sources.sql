-- The sources that were ever run: whoever writes ticks holds a lease.
SELECT source FROM source_lease ORDER BY source
