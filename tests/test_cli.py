"""The `kasparro` command: what it prints where, and how it exits."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from kasparro.ingest.assets import resolve
from kasparro.sandbox import Sandbox, faults
from kasparro.settings import Settings, names
from kasparro.sources import options
from kasparro.store.pool import api_pool


async def kasparro(cwd: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that knows no other settings than these."""
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "kasparro", *arguments),
        cwd=cwd,
        env=clean | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def upstreams(dsn: str) -> dict[str, str]:
    return {"DATABASE_URL": dsn, "COINGECKO_PAGES": "all", "COINGECKO_RATE": "1000/1", "LOG_FORMAT": "json"}


async def test_ingest_prints_one_json_list_on_stdout_and_logs_on_stderr(
    tmp_path: Path, upstreams: dict[str, str]
) -> None:
    async with Sandbox(coins=300) as sandbox:
        urls = {"COINGECKO_BASE_URL": sandbox.coingecko_url, "COINPAPRIKA_BASE_URL": sandbox.coinpaprika_url}
        code, out, err = await kasparro(tmp_path, "ingest", "--json", **upstreams, **urls)
    results = {result["source"]: result for result in json.loads(out)}
    assert code == 0
    assert results.keys() == {"coingecko", "coinpaprika", "csv"}
    for result in results.values():
        parts = ("inserted", "updated", "unchanged", "stale", "rejected", "duplicate")
        assert result["fetched"] == sum(result[part] for part in parts)
    assert (results["coingecko"]["inserted"], results["coingecko"]["requests"]) == (300, 3)
    assert results["coingecko"]["simulated"] is True
    assert all(json.loads(line)["component"] for line in err.splitlines())


async def test_ingest_of_one_source_that_fails_exits_with_1(tmp_path: Path, upstreams: dict[str, str]) -> None:
    async with Sandbox(coins=10) as sandbox:
        sandbox.fail("coinpaprika", faults.PaymentRequired(), times=None)
        code, out, _ = await kasparro(
            tmp_path, "ingest", "coinpaprika", COINPAPRIKA_BASE_URL=sandbox.coinpaprika_url, **upstreams
        )
    assert code == 1
    assert "failed" in out
    assert "the plan does not allow it" in out


async def test_replay_tells_what_became_of_each_record(tmp_path: Path, upstreams: dict[str, str]) -> None:
    (tmp_path / "coins.csv").write_text("name,price\nBitcoin,one\nEther,2\n")
    await kasparro(tmp_path, "ingest", "csv", CSV_PATH="coins.csv", **upstreams)
    code, out, _ = await kasparro(tmp_path, "replay", "--source", "csv", "--run", "1", "--json", **upstreams)
    (result,) = json.loads(out)
    assert code == 0
    assert result == {
        "source": "csv", "inserted": 0, "updated": 0, "unchanged": 0, "stale": 0, "reread": 0, "rejected": 1,
        "error": None,
    }  # fmt: skip
    code, out, _ = await kasparro(tmp_path, "replay", "--reject", "77", "--dry-run", **upstreams)
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()[3:-1]] == ["coingecko", "coinpaprika", "csv"]


async def test_rebuild_tells_what_it_mended(tmp_path: Path, upstreams: dict[str, str]) -> None:
    (tmp_path / "coins.csv").write_text("name,price\nBitcoin,1\nEther,2\n")
    await kasparro(tmp_path, "ingest", "csv", CSV_PATH="coins.csv", **upstreams)
    code, out, _ = await kasparro(
        tmp_path, "rebuild", "--source", "csv", "--since", "2026-01-01", "--json", **upstreams
    )
    (result,) = json.loads(out)
    assert (code, result["pages"], result["records"], result["latest_updated"]) == (0, 1, 2, 0)
    code, _, err = await kasparro(tmp_path, "rebuild", "--since", "yesterday", **upstreams)
    assert code == 2
    assert "'yesterday' is no time" in err
    code, out, _ = await kasparro(tmp_path, "rebuild", **upstreams)
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()[3:-1]] == ["coingecko", "coinpaprika", "csv"]


async def test_ingest_of_an_unknown_source_exits_with_2(tmp_path: Path) -> None:
    code, out, err = await kasparro(tmp_path, "ingest", "binance")
    assert (code, out) == (2, "")
    assert err == "kasparro: no such source: binance; there are coingecko, coinpaprika, csv\n"


async def test_config_shows_every_setting_and_no_secret(tmp_path: Path) -> None:
    code, out, _ = await kasparro(
        tmp_path,
        "config",
        "--json",
        COINGECKO_API_KEY="s3cret",
        DATABASE_URL="postgresql://u:s3cret@h/d",
        CSV_INTERVAL="5m",
    )
    values = json.loads(out)
    assert code == 0
    assert values.keys() == names(Settings.model_for(options())).keys()
    assert (values["COINGECKO_API_KEY"], values["DATABASE_URL"], values["CSV_INTERVAL"]) == (
        "********",
        "********",
        "300.0",
    )
    assert "s3cret" not in out


async def test_migrate_brings_an_empty_database_up_to_date(tmp_path: Path, empty_dsn: str) -> None:
    assert (await kasparro(tmp_path, "migrate", DATABASE_URL=empty_dsn))[:2] == (0, "The schema is up to date.\n")
    assert (await kasparro(tmp_path, "migrate", DATABASE_URL=empty_dsn))[0] == 0


@pytest.mark.parametrize("command", ["status", "healthcheck", "get"])
async def test_asking_a_service_that_does_not_run_exits_with_1(tmp_path: Path, command: str) -> None:
    arguments = [command, "/health"] if command == "get" else [command]
    code, out, err = await kasparro(tmp_path, *arguments, API_PORT="9")
    assert (code, out) == (1, "")
    assert err == "kasparro: nothing answers at http://127.0.0.1:9: is it running? `just up` starts it\n"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["serve", "--no-such-option"], ["get"]])
async def test_mistake_of_usage_exits_with_2(tmp_path: Path, arguments: list[str]) -> None:
    code, out, err = await kasparro(tmp_path, *arguments)
    assert (code, out) == (2, "")
    assert "Usage" in err


async def test_version(tmp_path: Path) -> None:
    assert await kasparro(tmp_path, "version") == (0, "0.1.0\n", "")


COINS = """
INSERT INTO unified_crypto (source, coin_id, name, symbol, observed_at, fetched_at, run_id, raw_id, raw_position)
VALUES ('coingecko', 'bitcoin', 'Bitcoin', 'btc', now(), now(), 1, 1, 0),
       ('coinpaprika', 'btc-bitcoin', 'Bitcoin', 'BTC', now(), now(), 1, 1, 0),
       ('csv', 'digital-gold', 'Digital Gold', 'XBT', now(), now(), 1, 1, 0)
"""


@pytest.fixture
async def placed(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A database in which Bitcoin is known to two sources, and something else to a third."""
    conn = await asyncpg.connect(dsn)
    await conn.execute(COINS)
    async with api_pool(dsn, 1) as pool, pool.acquire() as resolving:
        await resolve(resolving)
    yield conn
    await conn.close()


async def in_assets(conn: asyncpg.Connection) -> dict[str, str]:
    return {row["coin_id"]: row["asset_id"] for row in await conn.fetch("SELECT coin_id, asset_id FROM asset_source")}


async def test_assets_are_said_one_by_one(tmp_path: Path, dsn: str, placed: asyncpg.Connection) -> None:
    async def say(*words: str) -> tuple[int, str, str]:
        return await kasparro(tmp_path, "assets", *words, DATABASE_URL=dsn)

    assert (await say("link", "csv", "digital-gold", "bitcoin"))[:2] == (0, "bitcoin\n")
    assert (await say("split", "bitcoin", "csv", "digital-gold"))[:2] == (0, "digital-gold-xbt\n")
    assert (await say("merge", "digital-gold-xbt", "bitcoin"))[:2] == (0, "bitcoin\n")
    assert (await say("unlink", "coinpaprika", "btc-bitcoin"))[:2] == (0, "bitcoin-btc\n")
    assert await in_assets(placed) == {"bitcoin": "bitcoin", "btc-bitcoin": "bitcoin-btc", "digital-gold": "bitcoin"}
    assert await say("link", "csv", "nothing", "bitcoin") == (1, "", "kasparro: csv lists no nothing\n")


async def test_file_of_overrides_is_said_line_by_line(tmp_path: Path, dsn: str, placed: asyncpg.Connection) -> None:
    file = tmp_path / "overrides.csv"
    file.write_text(
        "\ufeffcoin_id,source,asset_id,note\ndigital-gold,csv,bitcoin,same\nx,csv,bitcoin,\nbtc-bitcoin,coinpaprika,,\n",
        encoding="utf-8",
    )
    for _ in range(2):
        code, out, err = await kasparro(tmp_path, "assets", "overrides", str(file), DATABASE_URL=dsn)
        assert (code, out) == (1, "2 overrides hold\n")
        assert err == f"kasparro: {file}, line 3: csv lists no x\n"
        assert await in_assets(placed) == {
            "bitcoin": "bitcoin", "btc-bitcoin": "bitcoin-btc", "digital-gold": "bitcoin"
        }  # fmt: skip
    assert await placed.fetchval("SELECT count(*) FROM asset_event WHERE actor = 'person' AND kind = 'linked'") == 2


@pytest.mark.parametrize(("text", "reason"), [("a,b\n1,2\n", "first line"), (None, "cannot be read")])
async def test_what_is_no_file_of_overrides_is_said(tmp_path: Path, dsn: str, text: str | None, reason: str) -> None:
    file = tmp_path / "overrides.csv"
    if text is not None:
        file.write_text(text)
    code, out, err = await kasparro(tmp_path, "assets", "overrides", str(file), DATABASE_URL=dsn)
    assert (code, out) == (2, "")
    assert reason in err
