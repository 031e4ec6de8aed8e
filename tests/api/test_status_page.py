"""The status page: what it tells, how it escapes, and how a real browser shows it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser

HTML = {"Accept": "text/html"}
HOSTILE = [
    '<script>alert("1")</script><img src=x onerror=alert(2)>',
    "' onmouseover='alert(3)",
    "{{ 7 * 7 }}",
    "🚀 \u202e evil مرحبا",
    "a" * 500,
]


@pytest.fixture
def page(client: Any) -> Any:
    """Gets the page as HTML."""

    async def fetch(path: str = "/", status: int = 200) -> str:
        async with client.get(path, headers=HTML) as response:
            assert response.status == status
            return str(await response.text())

    return fetch


def names(page: str) -> list[str]:
    """The coins of the market table, as they are listed."""
    return re.findall(r'<span class="name"><bdi title="([^"]*)"', page)


def cell(page: str, kind: str) -> str:
    """The first cell of the market table of that kind, its text and what it is wrapped in."""
    found = re.search(rf'<td class="figure {kind}.*?</td>', page, re.DOTALL)
    assert found
    return found[0]


def ago(seconds: float) -> str:
    """A time of so many seconds ago."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


async def test_each_source_tells_success_and_attempt_apart(page: Any, rows: Any) -> None:
    await rows.state("csv", reason="the file is gone")
    await rows.run("csv", "success", ago=7300, inserted=12345)
    await rows.run("csv", "failed", ago=130, inserted=10, rejected=3)
    text = re.sub(r"<[^>]+>|\s+", " ", await page())
    text = re.sub(" +", " ", text)
    assert re.search(r"Last success 2 h ago \d\d:\d\d:\d\d UTC Last attempt 2 min ago", text)
    assert "Next run in 4 min every 5 min" in text
    assert "Records in last run 10" in text
    assert "Last 2 runs: 1 failed , 1 success" in text
    assert "the file is gone" in text
    assert "1 of 1 sources needs attention" in text


async def test_simulated_figures_are_called_so(page: Any, rows: Any) -> None:
    await rows.state("csv")
    await rows.coin("csv", "x")
    assert "simulated" not in (await page()).lower()
    await rows.conn.execute("UPDATE source_state SET simulated = true")
    text = await page()
    assert "<strong>SIMULATED</strong>" in text
    assert text.count(">simulated</span>") == 2  # on the source, and on its coin


async def test_the_strip_holds_thirty_runs_the_oldest_first(page: Any, rows: Any) -> None:
    await rows.state("csv")
    for _ in range(31):
        await rows.run("csv")
    last = await rows.run("csv", "partial", rejected=1)
    text = await page()
    assert re.findall(r'<li class="(\w+)"><a href="runs/(\d+)"', text) == [
        *(("success", str(run)) for run in range(last - 29, last)),
        ("partial", str(last)),
    ]
    assert 'class="none"' not in text


async def test_a_run_that_died_with_its_process_is_not_shown_as_running(page: Any, rows: Any) -> None:
    await rows.state("csv")
    await rows.run("csv", "running")
    assert '<li class="abandoned">' in await page()
    await rows.lease("csv", alive=True)
    assert '<li class="running">' in await page()


async def test_figures_are_rounded_and_exact_in_the_title(page: Any, rows: Any) -> None:
    await rows.coin("csv", "x", price="0.000000123456789012345", cap="1234567890.123", change="-2.345")
    text = await page()
    assert 'title="0.000000123456789012345">$0.0000001235</data>' in text
    assert 'title="1234567890.123">$1.23 B</data>' in text
    assert 'title="-2.345">-2.35 %</data>' in text or 'title="-2.345">-2.34 %</data>' in text
    assert '<td class="figure change down">' in text


async def test_what_is_missing_is_called_so_and_is_no_zero(page: Any, rows: Any) -> None:
    await rows.coin("csv", "x", price=None)
    text = await page()
    assert 'title="csv gives no price">no price given<' in cell(text, "price")
    assert 'title="csv gives no market cap">not given<' in cell(text, "cap")
    assert "$0" not in text
    assert "no line yet" in text


async def test_a_price_of_zero_is_a_zero(page: Any, rows: Any) -> None:
    await rows.coin("csv", "x", price="0")
    assert 'title="0">$0</data>' in cell(await page(), "price")


async def test_coins_that_are_listed_no_more_are_named(page: Any, rows: Any) -> None:
    await rows.coin("csv", "x")
    await rows.absence("csv", "x", confirmed=False)
    assert "no longer listed" not in await page()
    await rows.conn.execute("UPDATE coin_absence SET confirmed_by = 2, confirmed_at = now()")
    assert "no longer listed" in await page()


async def test_history_becomes_a_line(page: Any, rows: Any) -> None:
    await rows.tick("csv", "x", ago(8 * 86400), "1")  # before the week
    await rows.tick("csv", "x", ago(3600), "10")
    await rows.tick("csv", "x", ago(1800), "30")
    await rows.tick("csv", "x", ago(0), "20")
    await rows.tick("csv", "another", ago(5), "1000")
    await rows.coin("csv", "x")
    [line] = re.findall(r'<path class="line" d="M([^"]+)"', await page())
    assert line.split() == ["0.0,29.0", "60.0,3.0", "120.0,16.0"]


async def test_many_ticks_are_thinned_out(page: Any, rows: Any) -> None:
    for seconds in range(200):
        await rows.tick("csv", "x", ago(seconds), str(seconds))
    await rows.coin("csv", "x")
    [line] = re.findall(r'<path class="line" d="M([^"]+)"', await page())
    assert len(line.split()) == 40
    assert (line.split()[0], line.split()[-1]) == ("0.0,3.0", "120.0,29.0")


@pytest.fixture
async def market(rows: Any) -> None:
    """Three coins of two sources."""
    await rows.state("csv")
    await rows.state("coingecko", simulated=True)
    await rows.coin("csv", "alpha", name="Alpha", symbol="AAA", rank=1, price="5", cap="10", change="-1")
    await rows.coin("coingecko", "beta", name="beta", symbol="BBB", rank=2, price="700", cap=None, change="3")
    await rows.coin("csv", "gamma-100%", name="Gamma", symbol=None, rank=None, price=None, cap="20", change=None)


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Alpha", "beta", "Gamma"]),
        ({"sort": "-rank"}, ["beta", "Alpha", "Gamma"]),
        ({"sort": "name"}, ["Alpha", "beta", "Gamma"]),
        ({"sort": "-name"}, ["Gamma", "beta", "Alpha"]),
        ({"sort": "-price_usd"}, ["beta", "Alpha", "Gamma"]),
        ({"sort": "price_usd"}, ["Alpha", "beta", "Gamma"]),
        ({"sort": "-market_cap_usd"}, ["Gamma", "Alpha", "beta"]),
        ({"sort": "price_change_24h_percent"}, ["Alpha", "beta", "Gamma"]),
        ({"sort": "-volume_24h_usd"}, ["Alpha", "beta", "Gamma"]),
        ({"source": "csv"}, ["Alpha", "Gamma"]),
        ({"q": "ALPHA"}, ["Alpha"]),
        ({"q": "bbb"}, ["beta"]),
        ({"q": "100%"}, ["Gamma"]),
        ({"q": "_"}, []),
        ({"q": "' OR 1=1 --"}, []),
        ({"q": "a", "source": "coingecko", "sort": "-price_usd"}, ["beta"]),
    ],
)
async def test_search_source_and_sort(page: Any, asked: dict[str, str], found: list[str]) -> None:
    text = await page(f"/?{urlencode(asked)}")
    assert names(text) == found
    assert f"<small>{len(found)} coin" in text


@pytest.mark.usefixtures("market")
async def test_links_keep_what_was_asked(page: Any) -> None:
    text = await page("/?q=a&source=csv&sort=price_usd&refresh=60")
    links = [unescape(link) for link in re.findall(r'href="(\?[^"]*)"', text)]
    assert "?q=a&source=csv&sort=-price_usd&refresh=60#market" in links
    assert "?q=a&source=coingecko&sort=price_usd&refresh=60#market" in links
    assert "?q=a&source=csv&sort=price_usd" in links  # without the refresh
    assert '<meta http-equiv="refresh" content="60">' in text
    assert re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', text) == [
        ("source", "csv"), ("sort", "price_usd"), ("refresh", "60"),
    ]  # fmt: skip
    assert text.count('aria-sort="ascending"') == 1


async def test_pages_cover_the_market_once(page: Any, rows: Any) -> None:
    for rank in range(60):
        await rows.coin("csv", f"coin-{rank}", rank=rank, name=f"coin-{rank}")
    pages = [await page(f"/?page={number}") for number in (1, 2, 3)]
    assert [name for text in pages for name in names(text)] == [f"coin-{rank}" for rank in range(60)]
    assert ['rel="prev"' in text for text in pages] == [False, True, True]
    assert ['rel="next"' in text for text in pages] == [True, True, False]
    assert "No coin is found so" in await page("/?page=4")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("query", ["sort=nonsense", "page=0", "source=nowhere", "refresh=1", "x=1", "q=%00", "q=a&q=b"])
async def test_what_is_wrong_is_named(client: Any, accept: str, query: str) -> None:
    async with client.get(f"/?{query}", headers={"Accept": accept}) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["errors"][0]["name"] == query.partition("=")[0]


@pytest.mark.parametrize("text", HOSTILE)
async def test_whatever_comes_is_text(page: Any, rows: Any, text: str) -> None:
    await rows.state("csv", reason=text)
    run_id = await rows.run("csv", "failed", error=text)
    await rows.coin("csv", text, name=text, symbol=text)
    await rows.drift("csv", "new_field", text)
    await rows.reject("csv", run_id, text)
    shown = await page(f"/?{urlencode({'q': text[:100]})}")
    assert not re.search(r"<script|<img src=x|onmouseover='", shown.lower())
    assert names(shown) == [re.sub("[\"'<>]", lambda match: _ESCAPED[match[0]], text)]
    assert unescape(shown).count(text) >= 4


_ESCAPED = {'"': "&#34;", "'": "&#39;", "<": "&lt;", ">": "&gt;"}


async def test_drift_and_rejects_are_shown(page: Any, rows: Any) -> None:
    await rows.drift("coingecko", "missing_field", "current_price")
    await rows.reject("csv", 7, '{"id": "x"}')
    text = await page()
    assert "<code>current_price</code>" in text
    assert "<code>quotes.USD.price</code> not a number" in text
    assert 'href="runs/7"' in text
    assert "No record is in quarantine" not in text


async def test_an_empty_database_is_told_in_words(page: Any) -> None:
    text = await page()
    for words in ("No source is known yet", "No coin has come yet", "No record is in quarantine"):
        assert words in text


async def test_without_a_database_it_answers_and_says_so(aiohttp_client: Any, app_on: Any, api_pool_on: Any) -> None:
    client = await aiohttp_client(app_on(await api_pool_on("postgresql://someone:hunter2@127.0.0.1:1/x")))
    async with client.get("/", headers=HTML) as response:
        text = await response.text()
        assert response.status == 200
    assert "The database is away" in text
    assert "nothing answers there" in text
    assert "hunter2" not in text
    assert "<table" not in text


async def test_how_sources_were_is_shown_while_the_database_is_away(page: Any, rows: Any, pool: Any) -> None:
    await rows.state("csv")
    await rows.run("csv", inserted=12345)
    await page()
    pool.terminate()
    text = await page()
    assert "as they were when the database last answered" in text
    assert "12,345" in text
    assert "No run yet" not in text


async def test_what_takes_too_long_is_left_out(page: Any, rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kasparro.api.overview._PATIENCE", 0.3)
    await rows.state("csv")
    await rows.coin("csv", "x")
    async with rows.conn.transaction():
        await rows.conn.execute("LOCK TABLE unified_crypto")
        text = await page()
    assert "Not everything can be shown" in text
    assert "All sources are well" not in text  # csv has not run
    assert "Last success" in text


async def test_the_policy_allows_no_script_and_no_inline_style(client: Any, rows: Any) -> None:
    await rows.state("csv")
    async with client.get("/", headers=HTML) as response:
        policy = response.headers["Content-Security-Policy"].split("; ")
        text = await response.text()
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert not any("unsafe" in each or each.startswith("script-src") for each in policy)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", text)


async def test_assets_are_kept_for_as_long_as_they_are_the_same(client: Any) -> None:
    async with client.get("/", headers=HTML) as response:
        [address] = re.findall(r'href="(static/status\.css\?v=\w+)"', await response.text())
    async with client.get(f"/{address}") as response:
        assert (response.status, response.content_type) == (200, "text/css")
        assert "immutable" in response.headers["Cache-Control"]
    async with client.get("/static/status.css?v=another") as response:
        assert response.status == 200
        assert "immutable" not in response.headers["Cache-Control"]


@pytest.fixture
async def full(rows: Any) -> None:
    """A bit of everything, hostile names among it."""
    for source in ("csv", "coingecko", "coinpaprika"):
        await rows.state(source, simulated=source == "coingecko", reason="a_reason_without_any_space" * 10)
        for status in ("success", "partial", "failed", "cancelled"):
            await rows.run(source, status, error="x" * 300)
    for number, name in enumerate(HOSTILE):
        await rows.tick("coingecko", f"coin-{number}", ago(60), "1")
        await rows.tick("coingecko", f"coin-{number}", ago(0), "2")
        await rows.coin("coingecko", f"coin-{number}", name=name, symbol=name[:50], price="3.84e-18", cap="1e30")
    await rows.coin("csv", "bitcoin", name="Bitcoin", symbol="BTC", rank=1, price=None)
    await rows.drift("coingecko", "missing_field", "a.path.without.a.space" * 20)
    await rows.reject("csv", 1, "record" * 400)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 850, 1280])
async def test_nothing_is_cut_off_at_any_width(client: Any, browser: Browser, width: int, scheme: Any) -> None:
    complaints: list[str] = []
    context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    await page.goto(str(client.make_url("/")))
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await page.locator("article").count() == 3
    assert await page.locator("tbody tr").count() == 6
    assert await page.locator("tbody svg").count() == 5
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(13, 16, 21)") == (scheme == "dark")
    assert complaints == []
    await context.close()


@pytest.mark.usefixtures("full")
async def test_search_and_sort_work_without_javascript(client: Any, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(str(client.make_url("/")))
    await page.fill("input[name=q]", "bit")
    await page.click("text=Search")
    assert await page.locator("tbody tr").count() == 1
    assert await page.locator("tbody .missing").first.get_attribute("title") == "csv gives no price"
    await page.click("thead >> text=Price")
    assert page.url.endswith("/?q=bit&sort=-price_usd#market")
    assert await page.locator("thead [aria-sort=descending]").inner_text() == "Price"
    await context.close()
