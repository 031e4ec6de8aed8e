"""PostgreSQL, and nothing else: one module a noun, SQL in `sql/queries`, the connection always the first argument."""
