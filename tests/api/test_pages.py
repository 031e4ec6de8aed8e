"""What browsers are shown, in a real one where there is one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
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
        assert response.headers["Vary"] == "Accept"


async def test_the_card_leads_on(client: Any, get: Any) -> None:
    card = await get("/")
    assert (card["name"], card["status"]) == ("kasparro", "healthy")
    for path in card["links"].values():
        async with client.get(path) as response:
            assert response.status == 200, path


async def html(client: Any) -> str:
    async with client.get("/", headers={"Accept": BROWSER}) as response:
        return str(await response.text())


async def test_the_page_tells_each_source_and_escapes(client: Any, rows: Any) -> None:
    await rows.state("csv", reason="<script>alert(1)</script>")
    await rows.run("csv", inserted=12345)
    page = await html(client)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "12,345" in page
    assert "SIMULATED" not in page


async def test_simulated_figures_are_called_so(client: Any, rows: Any) -> None:
    await rows.state("csv", simulated=True)
    assert "SIMULATED" in await html(client)


async def test_docs_take_no_document_from_the_address(client: Any) -> None:
    async with client.get("/docs?url=https://evil.example/openapi.json") as response:
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
async def page() -> AsyncIterator[Page]:
    if not HAS_CHROMIUM:
        pytest.skip("no Chromium is installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield await browser.new_page(viewport={"width": 390, "height": 844})
        await browser.close()


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


async def test_the_card_renders_on_a_phone(client: Any, rows: Any, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await rows.state("csv", simulated=True, reason="a_reason_without_any_space" * 10)
    await page.goto(str(client.make_url("/")))
    assert await page.locator("article").count() == 1
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    assert complaints == []
