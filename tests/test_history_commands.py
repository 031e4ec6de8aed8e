"""`kasparro backfill` and `kasparro coverage`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

from kasparro.sandbox import Sandbox

from .test_cli import kasparro


async def test_what_is_missing_is_told_filled_in_and_told_no_more(tmp_path: Path, dsn: str) -> None:
    async with Sandbox(coins=200) as sandbox:
        environ = {"DATABASE_URL": dsn, "COINGECKO_BASE_URL": sandbox.coingecko_url, "COINGECKO_RATE": "1000/1"}
        wish = ("backfill", "coingecko", "bitcoin", "--from", "2020-01-01", "--json")

        code, _, err = await kasparro(tmp_path, *wish, **environ)
        assert (code, "coingecko lists no coin 'bitcoin'" in err) == (1, True)
        await kasparro(tmp_path, "ingest", "coingecko", **environ)
        calls = len(sandbox.calls)

        code, out, err = await kasparro(tmp_path, *wish, "--dry-run", **environ)
        plan = json.loads(out)
        assert (code, plan["calls"], plan["free_calls"], len(sandbox.calls)) == (0, 6, None, calls)
        assert [part["why"] for part in plan["parts"]] == ["the plan goes less far back", *["missing"] * 6]
        assert err.endswith("kasparro: 6 calls\n")

        code, out, _ = await kasparro(tmp_path, *wish, **environ)
        done = json.loads(out)
        assert (code, done["status"], done["requests"], done["coins"][0]["error"]) == (0, "success", 6, None)

        code, out, _ = await kasparro(tmp_path, "coverage", "bitcoin", "--json", **environ)
        [listing] = json.loads(out)
        assert (code, listing["covered"], listing["gaps"], listing["spans_total"]) == (0, 1, [], 1)
        code, _, err = await kasparro(tmp_path, "coverage", "bitcoins", **environ)
        assert (code, err) == (1, "kasparro: there is no asset bitcoins; GET /assets?q=... finds one\n")
        code, _, err = await kasparro(tmp_path, "backfill", "csv", "bitcoin", "--from", "2020-01-01", **environ)
        assert (code, "csv" in err) == (2, True)
