"""Headers: every layout that was met in the wild, by its own header and a row or two of its shape."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kasparro.domain import Entry, Rejection, Ticker
from kasparro.errors import Rejected
from kasparro.sources import csv_layout
from kasparro.sources.csv_dates import Order
from kasparro.sources.csv_head import delimiter, head
from kasparro.sources.csv_rows import Sheet

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def read(text: str, name: str = "some-coin.csv", order: Order | None = None) -> list[Entry | Rejection]:
    lines = text.encode().splitlines(keepends=True)
    top = head(lines, delimiter(lines[0]), name)
    return list(
        Sheet(top.layout, order, timezone="UTC", now=NOW).entries("".join(text.splitlines(True)[top.lines :]), 2)
    )


def only(text: str, name: str = "some-coin.csv", order: Order | None = None) -> dict[str, Any]:
    """What is known of the only ticker of a file."""
    (entry,) = read(text, name, order)
    assert isinstance(entry, Entry), entry
    return {field: value for field, value in entry.ticker._asdict().items() if value is not None}


def refused(text: str, name: str = "some-coin.csv") -> str:
    with pytest.raises(Rejected) as caught:
        read(text, name)
    (fault,) = caught.value.faults
    assert fault.path == "line 1"
    return fault.message


def test_seed_layout() -> None:
    assert only(
        "coin_id,name,symbol,price,market_cap,volume\nbitcoin,Bitcoin,BTC,77975,1564918676573,68890347421\n"
    ) == {
        "coin_id": "bitcoin",
        "name": "Bitcoin",
        "symbol": "BTC",
        "price_usd": Decimal(77975),
        "market_cap_usd": Decimal(1564918676573),
        "volume_24h_usd": Decimal(68890347421),
    }


def test_daily_history_of_one_coin() -> None:
    found = only(
        "SNo,Name,Symbol,Date,High,Low,Open,Close,Volume,Marketcap\n"
        "1,Bitcoin Cash,BCH,2013-04-29 23:59:59,147.488,134.0,134.44400024414062,144.5399932861328,0.0,1603768864.5\n"
    )
    assert (found["coin_id"], found["symbol"]) == ("bitcoin-cash", "BCH")
    assert str(found["price_usd"]) == "144.5399932861328"
    assert (found["open_usd"], str(found["low_usd"])) == (Decimal("134.44400024414062"), "134.0")
    assert found["volume_24h_usd"] == 0
    assert found["source_updated_at"] == datetime(2013, 4, 29, 23, 59, 59, tzinfo=UTC)


def test_market_dump_of_many_coins() -> None:
    found = only(
        "slug,symbol,name,date,ranknow,open,high,low,close,volume,market,close_ratio,spread\n"
        "bitcoin,BTC,Bitcoin,28/4/2013,1,135.3,135.98,132.1,134.21,0,1500520000,0.5438,3.88\n",
        order="dmy",
    )
    assert (found["coin_id"], found["rank"], found["market_cap_usd"]) == ("bitcoin", 1, 1500520000)
    assert found["source_updated_at"] == datetime(2013, 4, 28, tzinfo=UTC)


def test_coingecko_export_writes_zero_for_a_market_cap_it_does_not_know() -> None:
    found = only(
        "snapped_at,price,market_cap,total_volume\n2015-08-07 00:00:00 UTC,2.83162,0.0,0.0\n", "ethereum.csv.gz"
    )
    assert found == {
        "coin_id": "ethereum",
        "name": "ethereum",
        "price_usd": Decimal("2.83162"),
        "volume_24h_usd": 0,
        "source_updated_at": datetime(2015, 8, 7, tzinfo=UTC),
    }


def test_pandas_dump_of_coins_markets_with_an_index_and_headers_twice() -> None:
    found = only(
        ",index,id,symbol,name,index,symbol,current_price,market_cap,market_cap_rank,fully_diluted_valuation,total_volume,"
        "high_24h,low_24h,price_change_24h,price_change_percentage_24h,circulating_supply,total_supply,max_supply,"
        "ath,ath_date,atl,atl_date,roi,last_updated\n"
        "0,0,bitcoin,btc,Bitcoin,0,other,33659.0,631376228513,1,,29186786727.0,35103.0,32841.0,-1344.6,-3.84127,"
        "18746000.0,21000000.0,,64805.0,2021-04-14T11:54:46.763Z,67.81,2013-07-06T00:00:00.000Z,"
        "\"{'times': 44.6, 'currency': 'btc'}\",2021-07-02T01:24:35.167Z\n"
    )
    assert (found["symbol"], str(found["price_usd"]), found["rank"]) == ("btc", "33659.0", 1)
    assert (found["price_change_24h_percent"], str(found["total_supply"])) == (Decimal("-3.84127"), "21000000.0")
    assert found["ath_at"] == datetime(2021, 4, 14, 11, 54, 46, 763000, UTC)
    assert found["source_updated_at"] == datetime(2021, 7, 2, 1, 24, 35, 167000, UTC)
    assert not {"max_supply", "fully_diluted_valuation_usd", "open_usd"} & found.keys()


def test_coinmarketcap_export_names_a_currency_and_not_the_coin() -> None:
    found = only(
        "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;circulatingSupply;timestamp\n"
        '"2024-01-01T00:00:00.000Z";"2024-01-01T23:59:59.999Z";"x";"x";"2781";42280.2;44175.4;42214.9;44167.3;'
        '18426978443.6;865102404168.3;19587287;"2024-01-01T23:59:59.999Z"\n',
        "Bitcoin.csv",
    )
    assert (found["coin_id"], found["name"]) == ("bitcoin", "Bitcoin")
    assert (found["market_cap_usd"], found["circulating_supply"]) == (Decimal("865102404168.3"), 19587287)
    assert found["source_updated_at"] == datetime(2024, 1, 1, 23, 59, 59, 999000, UTC)


def test_time_of_the_close_is_taken_before_the_date() -> None:
    found = only(
        "Date,Open,Close,Market Cap,Time Open,Time Close\n24-04-2026,1,2,3,2026-04-24T00:00:00Z,2026-04-24T23:59:59Z\n"
    )
    assert found["source_updated_at"] == datetime(2026, 4, 24, 23, 59, 59, tzinfo=UTC)


def test_only_dollars_are_prices() -> None:
    found = only(
        "date,coingecko_coin_id,coin_symbol,coin_name,price_eur,price_usd,price_chf\n24-01-2025,bitcoin,btc,Bitcoin,1,2,3\n",
        order="dmy",
    )
    assert (found["coin_id"], found["name"], found["symbol"], found["price_usd"]) == ("bitcoin", "Bitcoin", "btc", 2)


def test_day_without_a_close_has_its_price() -> None:
    found = only("Date,open,high,low,close,volume,price,market_cap\n2/1/2024,,,,N/A,5,0.08,-\n", order="mdy")
    assert (found["price_usd"], found["volume_24h_usd"]) == (Decimal("0.08"), 5)
    assert "market_cap_usd" not in found


def test_pairs_against_the_dollar_are_symbols() -> None:
    entries = read(
        "Rank,Name,Ticker,MarketCap,Stablecoin\n1,Bitcoin,BTCUSD,2352948167560.771,False\n8,TrueUSD,TUSDUSD,5,True\n"
    )
    assert [entry.ticker.symbol for entry in entries if isinstance(entry, Entry)] == ["BTC", "TUSD"]
    assert only("Name,Ticker,MarketCap\nTrueUSD,TUSD,5\n")["symbol"] == "TUSD"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_is_what_the_header_shows(mark: str) -> None:
    header = mark.join(["coin_id", "name", '"price, in $; or |"', "price"])
    assert csv_layout.delimiter(header) == mark


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("slug,symbol,name,ranknow,open,high,low,close,volume,market\n", "history without a column for its dates"),
        ("Date,Symbol,Close\n2020-01-01,BTC,1\n", "no column tells the coin"),
        ("price,market_cap\n1,2\n", "no column tells the coin"),
        ("coin_id,name,symbol\nbitcoin,Bitcoin,BTC\n", "no usable header"),
        ("date,coin_id,price_eur\n", "no usable header"),
        ("\x89PNG\r\n", "no usable header"),
        ("bitcoin,Bitcoin,BTC,1,2,3\n", "no usable header"),
    ],
)
def test_files_of_which_no_ticker_can_be_made(text: str, reason: str) -> None:
    assert reason in refused(text)


def test_our_own_names_are_headers() -> None:
    found = csv_layout.layout(Ticker._fields, [], delimiter=",", stem="x")
    assert [(column.field, column.place) for column in found.columns] == [
        (field, place) for place, field in enumerate(Ticker._fields)
    ]
