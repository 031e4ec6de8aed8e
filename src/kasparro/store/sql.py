"""Binds the statements of `sql/queries` to names: one file, one statement, loaded when its module is imported."""

from __future__ import annotations

from kasparro.resources import folder

QUERIES = folder("sql") / "queries"
MIGRATIONS = folder("sql") / "migrations"


def statement(name: str) -> str:
    """The statement in `sql/queries/<name>.sql`; a missing file fails here, at import."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
