"""What browsers are shown, in a real one where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("", "application/json"),
        ("text/html;q=0", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/html;q=x", "application/json"),
        ("application/json;q=0.5, text/html;level=1;q=0.9", "text/html"),
    ],
)
async def test_the_card_is_what_the_client_prefers(client: Any, accept: str, kind: str) -> None:
    async with client.get("/", headers={"Accept": accept}) as response:
        assert (response.status, response.content_type) == (200, kind)
        assert response.headers["Vary"] == "Accept, Accept-Encoding"


async def test_the_card_leads_on(client: Any, get: Any) -> None:
    card = await get("/")
    assert (card["name"], card["status"]) == ("kasparro", "healthy")
    for path in card["links"].values():
        async with client.get(path) as response:
            assert response.status == 200, path


async def test_docs_take_no_document_from_the_address(client: Any) -> None:
    async with client.get("/docs?url=https://evil.example/openapi.json") as response:
        assert response.status == 400
        assert "evil" not in await response.text()
    async with client.get("/static/docs.js") as response:
        assert "queryConfigEnabled: false" in await response.text()


async def test_assets_are_only_ours(client: Any) -> None:
    async with client.get("/static/swagger-ui-bundle.js") as response:
        assert response.status == 200
        assert response.content_type.endswith("/javascript")
    async with client.get("/static/swagger-initializer.js") as response:
        assert response.status == 404


@pytest.fixture
async def page(browser: Browser) -> Page:
    return await browser.new_page(viewport={"width": 390, "height": 844})


async def test_docs_render_in_a_browser(client: Any, page: Page, tmp_path: Path) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(str(client.make_url("/docs")))
    await page.wait_for_selector(".opblock")
    await page.click("#operations-data-data_page .opblock-summary-control")
    await page.wait_for_selector("#operations-data-data_page .parameters")
    async with client.get("/openapi.json") as response:
        paths = (await response.json())["paths"]
    assert await page.locator(".opblock").count() == sum(map(len, paths.values()))
    await page.screenshot(path=tmp_path / "docs.png")
    assert complaints == []
