"""Files are read once, in pages, from wherever the last commit left them, and none stops the others."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import os
import tracemalloc
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kasparro.domain import Delivery, Entry, Refusal, Rejection, Ticker
from kasparro.ingest import file_text, files
from kasparro.sources import csv_text
from kasparro.sources.csv_file import CsvFile, Options

HEADER = "coin_id,name,symbol,price,market_cap,volume\n"
Cursors = dict[str, Mapping[str, Any] | None]


@pytest.fixture(autouse=True)
def small_pages_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "PAGE_RECORDS", 3)
    monkeypatch.setattr(file_text, "SETTLED", 0)
    monkeypatch.setattr(file_text, "_TICK", 0)


def rows(start: int, end: int) -> str:
    return "".join(f"coin-{n},Coin {n},C{n},{n}.50,{n}000,{n}\n" for n in range(start, end))


async def read(
    path: Path,
    cursors: Cursors | None = None,
    *,
    pages: int | None = None,
    verified: files.Verified | None = None,
    **options: Any,
) -> list[Delivery | Refusal]:
    """What a cycle brings, its checkpoints written into `cursors`; it is killed after so many `pages`."""
    cursors = {} if cursors is None else cursors
    found: list[Delivery | Refusal] = []
    verified = {} if verified is None else verified
    async for item in files.deliveries(CsvFile(), Options(path=str(path), **options), cursors, verified):
        if len(found) == pages:
            break
        found.append(item)
        cursors[item.stream if isinstance(item, Refusal) else item.page.stream] = cursor_of(item)
    return found


def cursor_of(item: Delivery | Refusal) -> Mapping[str, Any]:
    return item.cursor if isinstance(item, Refusal) else item.close().cursor


def entries(found: list[Delivery | Refusal]) -> list[Entry | Rejection]:
    return [entry for item in found if isinstance(item, Delivery) for entry in item.entries]  # type: ignore[misc]


def tickers(found: list[Delivery | Refusal]) -> list[Ticker]:
    return [entry.ticker for entry in entries(found) if isinstance(entry, Entry)]


def coins(found: list[Delivery | Refusal]) -> list[str]:
    return [ticker.coin_id for ticker in tickers(found)]


def named(start: int, end: int) -> list[str]:
    return [f"coin-{n}" for n in range(start, end)]


def reason(found: list[Delivery | Refusal]) -> str:
    """Why the last item is a refusal."""
    assert isinstance(found[-1], Refusal), found
    (fault,) = found[-1].faults
    return f"{fault.path}: {fault.message}"


async def test_pages_are_csv_by_themselves(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 7))
    found = await read(file)
    pages = [item.page for item in found if isinstance(item, Delivery)]
    assert [page.number for page in pages] == [1, 2, 3]
    assert [page.text for page in pages] == [HEADER + rows(0, 3), HEADER + rows(3, 6), HEADER + rows(6, 7)]
    assert [page.checksum for page in pages] == [sha256(page.text.encode()).digest() for page in pages]
    assert {(page.stream, page.url, page.status) for page in pages} == {("coins.csv", str(file), 200)}
    assert coins(found) == named(0, 7)


async def test_positions_count_within_the_page_and_lines_within_the_file(tmp_path: Path) -> None:
    (tmp_path / "coins.csv").write_text("\n" + HEADER + rows(0, 4) + "x,X,X,one,,\n")
    *_, last = entries(await read(tmp_path))
    assert isinstance(last, Rejection)
    assert (last.position, last.faults[0].path) == (1, "line 7: price")


async def test_unchanged_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coins.csv").write_text(HEADER + rows(0, 7))
    cursors: Cursors = {}
    assert len(await read(tmp_path, cursors)) == 3
    monkeypatch.setattr(Path, "open", None)
    assert await read(tmp_path, cursors) == []


async def test_touched_file_is_read_once_and_brings_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 7).rstrip())
    cursors: Cursors = {}
    verified: files.Verified = {}
    await read(file, cursors)
    os.utime(file, (1, 1))
    assert await read(file, cursors, verified=verified) == []
    monkeypatch.setattr(Path, "open", None)
    assert await read(file, cursors, verified=verified) == []


async def test_grown_file_is_read_on_from_where_it_ended(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 4))
    cursors: Cursors = {}
    await read(file, cursors)
    with file.open("a") as stream:
        stream.write(rows(4, 6) + "x,X,X,one,,\n")
    found = await read(file, cursors)
    assert coins(found) == named(4, 6)
    assert [entry.faults[0].path for entry in entries(found) if isinstance(entry, Rejection)] == []
    assert await read(file, cursors) == []


async def test_line_numbers_go_on_in_a_grown_file(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 4))
    cursors: Cursors = {}
    await read(file, cursors)
    with file.open("a") as stream:
        stream.write("x,X,X,one,,\n")
    (rejection,) = entries(await read(file, cursors))
    assert isinstance(rejection, Rejection)
    assert rejection.faults[0].path == "line 6: price"


async def test_changed_file_is_read_again_though_size_and_time_stay(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 4))
    os.utime(file, (1, 1))
    cursors: Cursors = {}
    await read(file, cursors)
    await asyncio.sleep(0.02)  # the clock of the kernel ticks every few milliseconds
    file.write_text(HEADER + rows(0, 4).replace("2.50", "9.50"))
    os.utime(file, (1, 1))
    assert [str(ticker.price_usd) for ticker in tickers(await read(file, cursors))] == ["0.50", "1.50", "9.50", "3.50"]


async def test_other_settings_read_the_file_again(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.csv").write_text("date,price\n2024-10-17 02:00,1\n")
    cursors: Cursors = {}
    await read(tmp_path, cursors)
    (ticker,) = tickers(await read(tmp_path, cursors, timezone="Europe/Prague"))
    assert ticker.source_updated_at is not None
    assert ticker.source_updated_at.isoformat() == "2024-10-17T00:00:00+00:00"


async def test_last_line_without_a_line_end_is_read_and_read_again_when_it_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 1) + "half,Half,H,1,1,12")
    cursors: Cursors = {}
    assert [ticker.volume_24h_usd for ticker in tickers(await read(file, cursors))] == [0, 12]
    assert await read(file, cursors) == []
    with file.open("a") as stream:
        stream.write("34\n" + rows(1, 2))
    assert [ticker.volume_24h_usd for ticker in tickers(await read(file, cursors))] == [1234, 1]


async def test_last_line_of_a_file_being_written_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 2) + "half,Ha")

    def write_on(seconds: float) -> None:
        assert 0 < seconds <= 2
        with file.open("a") as stream:
            stream.write("lf,H,1")

    monkeypatch.setattr(file_text, "SETTLED", 2.0)
    monkeypatch.setattr("kasparro.ingest.file_text.time.sleep", write_on)
    cursors: Cursors = {}
    assert coins(await read(file, cursors)) == named(0, 2)
    with file.open("a") as stream:
        stream.write(",,\n")
    assert coins(await read(file, cursors)) == ["half"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(alphabet='a,"\r\n€ ', min_size=1, max_size=6), min_size=1, max_size=12),
    kills=st.lists(st.integers(0, 3), max_size=6),
    end=st.sampled_from(["", "\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_cut_gives_the_same_entries(
    tmp_path: Path, names: list[str], kills: list[int], end: str, encoding: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end or "\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([["id", "name", "price"], *([f"c{n}", name, n] for n, name in enumerate(names))])
    file = tmp_path / "coins.csv"
    file.write_bytes((text.getvalue() if end else text.getvalue()[:-1]).encode(encoding))

    async def cycles() -> list[Ticker]:
        cursors: Cursors = {}
        found = [ticker for pages in kills for ticker in tickers(await read(file, cursors, pages=pages))]
        return found + tickers(await read(file, cursors))

    expected = [(f"c{n}", name.strip() or f"c{n}", Decimal(n)) for n, name in enumerate(names)]
    assert [(each.coin_id, each.name, each.price_usd) for each in asyncio.run(cycles())] == expected


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(alphabet='a,;|\t"\r\n€ ', min_size=1, max_size=6), min_size=1, max_size=8),
    mark=st.sampled_from(",;|\t"),
    way=st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_MINIMAL, "\r\n")]),
    cut=st.floats(0, 1),
)
def test_file_that_grows_from_any_cut_is_the_whole(
    tmp_path: Path, names: list[str], mark: str, way: tuple[Any, str], cut: float
) -> None:
    """A line that is cut may be read twice, and is whole the second time."""
    text = io.StringIO()
    table = [["id", "name", "price"], *([f"c{n}", name, 100 + n] for n, name in enumerate(names))]
    csv.writer(text, delimiter=mark, quoting=way[0], lineterminator=way[1]).writerows(table)
    whole = text.getvalue().encode()
    file = tmp_path / "coins.csv"

    async def cycles(*parts: bytes) -> dict[str, Ticker]:
        cursors: Cursors = {}
        latest: dict[str, Ticker] = {}
        for part in parts:
            file.write_bytes(part)
            latest |= {each.coin_id: each for each in tickers(await read(file, cursors))}
        return latest

    grown = asyncio.run(cycles(whole[: int(cut * len(whole))], whole))
    assert grown == asyncio.run(cycles(whole))
    assert [(each.name, each.price_usd) for each in grown.values()] == [
        (name.strip() or f"c{n}", Decimal(100 + n)) for n, name in enumerate(names)
    ]


def packed(text: str, kind: str) -> bytes:
    half = len(text) // 2
    pack = gzip.compress if kind == "gz" else zstandard.ZstdCompressor().compress
    return b"".join(pack(part.encode()) for part in (text[:half], text[half:]))


@pytest.mark.parametrize("kind", ["gz", "zst"])
async def test_compressed_files_of_several_parts(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"coins.csv.{kind}"
    file.write_bytes(packed(HEADER + rows(0, 50), kind))
    cursors: Cursors = {}
    before = coins(await read(tmp_path, cursors, pages=5))
    file.write_bytes(packed(HEADER + rows(0, 60), kind))
    assert before + coins(await read(tmp_path, cursors)) == named(0, 60)


@pytest.mark.parametrize("kind", ["gz", "zst"])
async def test_compressed_file_that_is_cut_off_gives_what_is_whole_of_it(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"coins.csv.{kind}"
    whole = packed(HEADER + rows(0, 2000), kind)
    file.write_bytes(whole[: len(whole) * 3 // 4])
    cursors: Cursors = {}
    found = await read(tmp_path, cursors)
    assert "damaged or cut off" in reason(found)
    assert named(0, 1000) == coins(found)[:1000]
    assert await read(tmp_path, cursors) == []
    file.write_bytes(whole)
    assert coins(found) == []  # its entries are used up
    assert coins(await read(tmp_path, cursors))[-1] == "coin-1999"


def touch(path: Path) -> None:
    if path.exists():
        os.utime(path, (1, 1))


async def refusal_of(path: Path, **options: Any) -> str:
    """The reason of the only refusal of a path; which is given once, and not again to a touched file."""
    cursors: Cursors = {}
    found = await read(path, cursors, **options)
    touch(path)
    assert await read(path, cursors, **options) == []
    assert await read(path, cursors, **options) == []
    return reason(found)


async def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    assert "neither a file nor a folder" in await refusal_of(tmp_path / "pipe.csv")
    assert "neither a file nor a folder" in await refusal_of(tmp_path / "folder.csv")
    assert "No such file" in await refusal_of(tmp_path / "missing.csv")
    assert "No such file" in await refusal_of(tmp_path / "missing-*.csv")


async def test_file_that_may_not_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 2))

    def forbidden(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    cursors: Cursors = {}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", forbidden)  # the tests may run as root, whom no mode of a file stops
        assert reason(await read(file, cursors)) == "file: Permission denied"
        assert await read(file, cursors) == []
    assert coins(await read(file, cursors)) == named(0, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1: no header"),
        ("\n\n", "line 1: no header"),
        ("a,b,c\n1,2,3\n", "line 1: no usable header"),
        ("\n" + "name,open,high,low,close\n", "line 2: a history without a column for its dates"),
        ("date,price\n01/02/2017,1\n03/04/2017,2\n", "line 2: date: the whole column leaves open"),
        ("date,price\nsoon,1\n", "line 2: date: not a date"),
    ],
)
async def test_files_that_cannot_be_tickers_are_refused_once(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "bitcoin.csv"
    file.write_text(text)
    assert (await refusal_of(file)).startswith(expected)


async def test_header_without_rows_is_neither_page_nor_refusal(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    cursors: Cursors = {}
    for text in (HEADER.rstrip(), HEADER):
        file.write_text(text)
        assert await read(file, cursors) == []
    file.write_text(HEADER + rows(0, 1))
    assert coins(await read(file, cursors)) == named(0, 1)


async def test_binary_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "noise.csv"
    file.write_bytes(bytes(range(256)) * 2000)
    assert "no usable header" in await refusal_of(file)
    file.write_bytes(HEADER.encode("utf-16-le"))
    assert "no usable header" in await refusal_of(file)


async def test_order_of_dates_is_that_of_the_whole_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_text, "BLOCK", 100)
    file = tmp_path / "bitcoin.csv"
    file.write_text("date,price\n" + "01/02/2017,1\n" * 30 + "13/02/2017,2\n" + "02/13/2017,3\n")
    found = entries(await read(file))
    assert isinstance(found[0], Entry)
    assert str(found[0].ticker.source_updated_at) == "2017-02-01 00:00:00+00:00"
    assert isinstance(found[-1], Rejection)
    assert found[-1].faults[0][:2] == ("line 33: date", "not a date in the order of its column, dmy")


async def test_order_of_dates_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.csv").write_text("date,price\n01/02/2017,1\n")
    (ticker,) = tickers(await read(tmp_path, date_order="mdy"))
    assert str(ticker.source_updated_at) == "2017-01-02 00:00:00+00:00"


async def test_bad_file_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nothing\n")
    (tmp_path / "b.tsv").write_text((HEADER + rows(0, 1)).replace(",", "\t"))
    (tmp_path / "C.CSV").write_text(HEADER + rows(1, 2))
    for other in ("notes.md", ".hidden.csv", "d.csv~"):
        (tmp_path / other).write_text(HEADER + rows(7, 8))
    found = await read(tmp_path)
    assert [item.stream if isinstance(item, Refusal) else item.page.stream for item in found] == [
        "C.CSV",
        "a.csv",
        "b.tsv",
    ]
    assert sorted(coins(found)) == named(0, 2)


async def test_pattern_names_streams_below_its_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "coins.csv").write_text(HEADER + rows(0, 1))
    found = await read(tmp_path / "*" / "coins.csv")
    assert [item.page.stream for item in found if isinstance(item, Delivery)] == ["one/coins.csv", "two/coins.csv"]
    assert len(await read(tmp_path / "**" / "*.csv")) == 2


async def test_damaged_text_costs_its_own_row(tmp_path: Path) -> None:
    (tmp_path / "coins.csv").write_bytes((HEADER + rows(0, 1)).encode() + b"caf\xe9,C,C,1,1,1\nnul,\0,N,1,1,1\n")
    found = await read(tmp_path)
    assert [type(entry) for entry in entries(found)] == [Entry, Rejection, Rejection]
    assert all("\0" not in item.page.text for item in found if isinstance(item, Delivery))


async def test_quote_left_open_costs_what_it_swallows(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 2) + 'x,"X,X,1,1,1\n' + rows(2, 4))
    cursors: Cursors = {}
    *before, last = entries(await read(file, cursors))
    assert [entry.ticker.coin_id for entry in before if isinstance(entry, Entry)] == named(0, 2)
    assert isinstance(last, Rejection)
    assert last.faults[0][:2] == ("line 4", "a quote opens here that nothing closes")
    assert await read(file, cursors) == []


async def test_line_without_end_is_refused_and_not_held(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    with file.open("w") as stream:
        stream.write(HEADER + rows(0, 4))
        stream.truncate(64 << 20)  # a hole: 64 MiB of NUL
    tracemalloc.start()
    found = await read(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert coins(found) == named(0, 4)
    assert reason(found) == "line 6: longer than 1,048,576 bytes"
    assert peak < 16 << 20


async def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "PAGE_RECORDS", 50)
    monkeypatch.setattr(file_text, "BLOCK", 10_000)
    file, peaks = tmp_path / "coins.csv", []
    for size in 4_000, 40_000:
        file.write_text(HEADER + rows(0, size))
        count = 0
        tracemalloc.start()
        async for item in files.deliveries(CsvFile(), Options(path=str(file)), {}, {}):
            assert isinstance(item, Delivery)
            count += sum(1 for _ in item.entries)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == size
    assert peaks[1] < 2 * peaks[0]


async def test_file_that_is_cut_while_it_is_read_is_refused_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_text, "BLOCK", 100)
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 30))
    cursors: Cursors = {}
    found: list[Delivery | Refusal] = []
    async for item in files.deliveries(CsvFile(), Options(path=str(file)), cursors, {}):
        if not found:
            file.write_text(HEADER + rows(5, 9))
        found.append(item)
        cursors["coins.csv"] = cursor_of(item)
    assert "changed while it was read" in reason(found)
    assert coins(await read(file, cursors)) == named(5, 9)


async def test_file_that_is_rewritten_while_it_is_read_is_refused_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_text, "BLOCK", 100)
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 30))
    cursors: Cursors = {}
    found: list[Delivery | Refusal] = []
    async for item in files.deliveries(CsvFile(), Options(path=str(file)), cursors, {}):
        if not found:
            file.write_text(HEADER + rows(5, 40))
        found.append(item)
        cursors["coins.csv"] = cursor_of(item)
    assert "changed while it was read" in reason(found)
    assert coins(await read(file, cursors)) == named(5, 40)


async def test_file_that_grows_while_it_is_read_is_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_text, "BLOCK", 100)
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 30))
    cursors: Cursors = {}
    found: list[Delivery | Refusal] = []
    async for item in files.deliveries(CsvFile(), Options(path=str(file)), cursors, {}):
        if not found:
            with file.open("a") as stream:
                stream.write(rows(30, 33) + "coin-33,Coi")
        found.append(item)
        cursors["coins.csv"] = cursor_of(item)
    with file.open("a") as stream:
        stream.write("n,C,,,\n")
    assert coins(found) + coins(await read(file, cursors)) == named(0, 34)


async def test_file_that_is_replaced_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "coins.csv"
    file.write_text(HEADER + rows(0, 9))
    cursors: Cursors = {}
    found: list[Delivery | Refusal] = []
    async for item in files.deliveries(CsvFile(), Options(path=str(file)), cursors, {}):
        if not found:
            (tmp_path / "new").write_text(HEADER + rows(50, 55))
            (tmp_path / "new").replace(file)
        found.append(item)
        cursors["coins.csv"] = cursor_of(item)
    assert coins(found) == named(0, 9)
    assert coins(await read(file, cursors)) == named(50, 55)


async def test_shipped_sample() -> None:
    found = [item async for item in files.deliveries(CsvFile(), Options(), {}, {})]
    assert [item.page.stream for item in found if isinstance(item, Delivery)][-1] == "markets-2026-08-22.csv"
    assert len(tickers(found)) == 51
    assert all(ticker.source_updated_at and ticker.price_usd for ticker in tickers(found))


def open_files() -> list[str]:
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


async def test_abandoned_reading_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "coins.csv").write_text(HEADER + rows(0, 30))
    reading = files.deliveries(CsvFile(), Options(path=str(tmp_path)), {}, {})
    await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]
    del reading
    async with asyncio.timeout(10):  # a thread may be in the file still
        while [name for name in open_files() if name.endswith("coins.csv")]:
            await asyncio.sleep(0.01)
