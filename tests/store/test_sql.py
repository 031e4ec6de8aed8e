"""Every statement parses against the schema, says what it answers, and is used; the schema goes up, down, up."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import asyncpg
import pytest

from kasparro.resources import folder
from kasparro.store import migrations, rebuild
from kasparro.store.sql import MIGRATIONS, QUERIES, statement

STATEMENTS = sorted(QUERIES.glob("*.sql"))
CODE = "\n".join(path.read_text() for path in Path(folder("sql").parent, "src/kasparro").rglob("*.py"))

# A landed migration is never edited: a changed one would not be applied where the first one was.
CHECKSUMS = {
    "0001.tables.rollback.sql": "b6eecff2bc5e2bd0c3f737ef9fa78eec9aae92eaaa40c66d43d32a38d13ab660",
    "0001.tables.sql": "ee8c3ff1226ab5ce7286d77c00d691334d2d75c2a67d09ecadba790e5a7336d2",
    "0002.quota.rollback.sql": "73c1f1b399ed6917394c1f9ce371038b8c36e296039edc37ae4a2bb7ffc84fd5",
    "0002.quota.sql": "8643e804c08c74505ad639b8b37d5db4bb2e478f07b8bb88819cc26d65429fe8",
    "0003.snapshots.rollback.sql": "7dd1950367ba4cf42571d1c844386cc323d5ff794ee3092156a857d33853821a",
    "0003.snapshots.sql": "949bf23724fc608685ba21898b8565de7699087516bc18c56323414e06726caa",
    "0004.ticks.rollback.sql": "680e47edcc22a48d69564137cf0c55131fc0e7eb8b1192754529c2d32fa9ec3a",
    "0004.ticks.sql": "40583bbb6daa077262ad42116af7a9a43781bb1cd39557ffb5870711902163b5",
    "0005.drift.rollback.sql": "ad8ad842ae0cb316fb55a14b8c5b28f1b7e55daf13e930381855797bb258885c",
    "0005.drift.sql": "fe84939d1aa58c8fe8aeb9c417c6f151ef7765d7761951b837d01231f00fc7c2",
    "0006.quarantine.rollback.sql": "32995673b26bac3af11ae7b75f94d3dd6da522d54891dc9c7595b145ad51bffb",
    "0006.quarantine.sql": "706f3b32cca9a4dc6df3faf9c58267098c20b84af8ff4ab4c848a4bb87a3f5f6",
    "0008.assets.rollback.sql": "6ca3768edf6da164936c0cd1a41789393149b59cb6e51e504abdce2abe66986c",
    "0008.assets.sql": "9fb8d3c8d88d5abcf1b0946123ae4c1e4c613356e2e709c28ac07660049fccf0",
    "0010.unchanged.rollback.sql": "a775ec8bdda4206c37e10a3ca17aa708a4fa37a596b949079f9203d564d66abe",
    "0010.unchanged.sql": "47a9b15f1c20902d4284dc44ac5832a1051eb71b1d76b169b38b7fdcf48ab889",
    "0011.serving.rollback.sql": "4ba3a644b648f8e4441a493d1aae63930db741772120bbf8bd6cd1e3c0569017",
    "0011.serving.sql": "1163e2519a6ea42f624db0718661033ff54f91811901794c9d9fc0e3b26c5215",
    "0012.plans.rollback.sql": "1309c9a9ae1a0817057c7bb455a07a566f3b0064881afb9de30a891d6d7876aa",
    "0012.plans.sql": "cdaac26b3a44cf4eeca1a9b93db7079c17d833237c7dc698fb8c2833ea8ab425",
    "0013.candles.rollback.sql": "e49aabbf3df17517e79afadb4c6272f9faa398d74919280ebd847c48b031f945",
    "0013.candles.sql": "c83a8870ca25478dbf04588a20fab60c16993cccb0137c60e6c905ce706db4f5",
    "0014.revisions.rollback.sql": "5d63a96f1bb19196e8882c9145d7e649db154bca8607836138eda3a6c4cd1870",
    "0014.revisions.sql": "56c7fdde42beae1f5b21826da8111b6678e27e8854165d405188c733ba7c82d4",
    "0015.backfill.rollback.sql": "7a71cab346476d6caaaefbd927d1ae142cd41589181d3e4fec89d570eee99719",
    "0015.backfill.sql": "cd9e3e3ae477e8a2704bc1bcc23ea7d6f903d5d90c353dfb84cb57e138de7d4a",
    "0016.dropin.rollback.sql": "ac111600efeef9087ab8d3061e7a19ee8481a6f396f50af051dd2d51d78a235a",
    "0016.dropin.sql": "e2cab012db122b04fcf63068dfbe4f26d74092fe88a22a8999a2441e65d150bc",
    "0017.identity.rollback.sql": "363a3e4490f0e00580747ddf913dbd8b7e8fd92c233c1c32666191ba8248d2c9",
    "0017.identity.sql": "e6aea23c07cd52b3641774714f924434b24e711027c3bcdbfc5077c29963e81d",
}


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
async def test_statement_parses(path: Path, dsn: str) -> None:
    async with rebuild.session(dsn) as conn:  # it has all tables that there are, the temporary ones too
        await conn.prepare(statement(path.stem))


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_statement_says_what_it_answers_and_lists_its_parameters(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("-- ")
    comments = "\n".join(line for line in text.splitlines() if line.startswith("--"))
    used = set(re.findall(r"\$\d+", re.sub(r"--.*", "", text)))
    assert used == set(re.findall(r"\$\d+", comments))


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_statement_is_used(path: Path) -> None:
    assert f'statement("{path.stem}")' in CODE


async def _schema(dsn: str) -> list[str]:
    conn = await asyncpg.connect(dsn)
    try:
        rows = await conn.fetch(
            "SELECT table_name || '.' || column_name || ' ' || data_type AS line FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name !~ 'yoyo' ORDER BY 1"
        )
        return [row["line"] for row in rows]
    finally:
        await conn.close()


async def test_schema_goes_up_down_up(empty_dsn: str) -> None:
    await migrations.migrate(empty_dsn)
    first = await _schema(empty_dsn)
    migrations.roll_back(empty_dsn)
    assert await _schema(empty_dsn) == []
    await migrations.migrate(empty_dsn)
    assert await _schema(empty_dsn) == first != []


async def test_migrating_twice_applies_nothing(dsn: str) -> None:
    assert await migrations.migrate(dsn) == []


async def test_every_table_and_every_migration_is_documented(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)
    rows = await conn.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition AND relname !~ 'yoyo' AND obj_description(oid) IS NULL"
    )
    await conn.close()
    assert rows == []


@pytest.mark.parametrize("path", sorted(MIGRATIONS.glob("*.sql")), ids=lambda path: path.name)
def test_landed_migration_is_never_edited(path: Path) -> None:
    assert CHECKSUMS.get(path.name) == hashlib.sha256(path.read_bytes()).hexdigest()
