"""`/drift`, and its acknowledgement."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

KEY = "täst-key"
HEADER = KEY.encode().decode("latin-1")  # the bytes that clients put on the wire


async def acknowledge(client: Any, body: Any, **headers: str) -> tuple[int, Any]:
    async with client.post("/drift/acknowledge", json=body, headers=headers) as response:
        return response.status, await response.json(content_type=None)


async def test_drifts_are_listed_and_filtered(get: Any, rows: Any) -> None:
    assert await get("/drift") == []
    await rows.drift("csv", "new_field", "extra")
    await rows.drift("coingecko", "missing_field", "ath")
    assert {drift["path"] for drift in await get("/drift")} == {"extra", "ath"}
    [drift] = await get("/drift?source=csv")
    assert (drift["kind"], drift["severity"], drift["pages"], drift["acknowledged_at"]) == (
        "new_field", "warning", 1, None,
    )  # fmt: skip
    assert len(await get("/drift?limit=1")) == 1


async def test_acknowledged_drifts_go_to_the_end(client: Any, get: Any, rows: Any) -> None:
    await rows.drift("csv", "new_field", "a")
    await rows.drift("csv", "new_field", "b")
    await rows.drift("csv", "type_change", "b")
    status, reply = await acknowledge(client, {"source": "csv", "kind": "new_field", "path": "b"}, **{"X-API-Key": KEY})
    assert (status, reply["acknowledged"]) == (200, 1)
    assert [(drift["kind"], drift["path"]) for drift in await get("/drift")][-1] == ("new_field", "b")
    assert len(await get("/drift?acknowledged=true")) == 1
    assert len(await get("/drift?acknowledged=false")) == 2
    _, reply = await acknowledge(client, {"source": "csv"}, Authorization=f"Bearer {KEY}")
    assert reply["acknowledged"] == 2


async def test_resolved_drifts_wait_for_nobody(get: Any, rows: Any) -> None:
    for path in "ab":
        await rows.drift("csv", "null_rate", path)
    await rows.conn.execute("UPDATE schema_drift SET resolved_at = now() WHERE path = 'b'")
    assert [drift["path"] for drift in await get("/drift")] == ["a", "b"]
    assert [drift["path"] for drift in await get("/drift?resolved=true")] == ["b"]
    assert [drift["resolved_at"] for drift in await get("/drift?resolved=false")] == [None]


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {KEY}"},
     {"X-API-Key": "wrong", "Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY + "x"}],
)  # fmt: skip
async def test_a_wrong_key_changes_nothing(client: Any, get: Any, rows: Any, headers: dict[str, str]) -> None:
    await rows.drift("csv", "new_field", "a")
    async with client.post("/drift/acknowledge", json={"source": "csv"}, headers=headers) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await get("/drift"))[0]["acknowledged_at"] is None


@pytest.mark.parametrize("environ", [{}, {"ADMIN_API_KEY": ""}])
async def test_closed_without_a_configured_key(
    pool: Any, aiohttp_client: Any, app_on: Any, environ: dict[str, str]
) -> None:
    client = await aiohttp_client(app_on(pool, **environ))
    for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": "None"}):
        status, problem = await acknowledge(client, {"source": "csv"}, **headers)
        assert status == 403
        assert "ADMIN_API_KEY" in problem["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"source": "nowhere"}',
        b'{"source": "csv", "x": 1}',
        b'{"source": "csv", "kind": "other"}',
        b'{"source": "csv", "path": "\\u0000"}',
    ],
)
async def test_wrong_bodies_are_400(client: Any, body: bytes) -> None:
    async with client.post("/drift/acknowledge", data=body, headers={"X-API-Key": KEY}) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["errors"][0]["in"] == "body"


async def test_a_large_body_is_refused(client: Any) -> None:
    async with client.post("/drift/acknowledge", data=BytesIO(b"x" * 2**21), headers={"X-API-Key": KEY}) as response:
        assert response.status == 413
        assert response.content_type == "application/problem+json"
