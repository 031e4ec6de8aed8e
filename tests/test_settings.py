"""Settings: where they come from, that every mistake is named at once, that no secret shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from kasparro.errors import ConfigurationError
from kasparro.resources import folder
from kasparro.settings import Budget, Rate, Settings, effective, is_secret, names
from kasparro.sources import options

NOWHERE = Path("/nonexistent/.env")


def load(dotenv: Path = NOWHERE, **environ: str) -> Settings:
    return Settings.load(options(), environ, dotenv)


def test_nothing_set_is_enough() -> None:
    settings = load()
    assert settings.sources == ["coingecko", "coinpaprika", "csv"]
    assert (settings.api_host, settings.api_port, settings.database_url) == ("127.0.0.1", 8000, None)
    assert settings.options("coinpaprika").interval == 300
    assert (settings.options("coingecko").interval, settings.options("coingecko").pages) == (1200, 4)


@pytest.mark.parametrize(("text", "seconds"), [("300", 300), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1.5m", 90)])
def test_interval(text: str, seconds: float) -> None:
    assert load(CSV_INTERVAL=text).options("csv").interval == seconds


def test_rate() -> None:
    assert load(COINGECKO_RATE="30/60").options("coingecko").rate == Rate(30, 60.0)


@pytest.mark.parametrize(("text", "credits_"), [("20000", 20_000), (" unlimited ", "unlimited"), ("", None)])
def test_credits(text: str, credits_: int | str | None) -> None:
    assert load(COINGECKO_CREDITS=text).options("coingecko").credits == credits_


@pytest.mark.parametrize("text", ["0", "-1", "1e4", "lots", "²"])
def test_credits_that_are_no_number_are_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="COINPAPRIKA_CREDITS: give a number of calls"):
        load(COINPAPRIKA_CREDITS=text)


@pytest.mark.parametrize(
    ("text", "budget"), [("20%", Budget(share=20.0)), (" 0.5 % ", Budget(share=0.5)), ("500", Budget(records=500))]
)
def test_reject_budget(text: str, budget: Budget) -> None:
    assert load(REJECT_BUDGET=text).reject_budget == budget
    assert effective(load(REJECT_BUDGET=text))["REJECT_BUDGET"] == text.replace(" ", "")


def test_environment_wins_over_dotenv(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text('API_PORT=1234\nLOG_LEVEL="DEBUG" # why\nPOSTGRES_PASSWORD=for-compose\nAPI_HOST=\n')
    settings = load(dotenv, API_PORT="4321")
    assert (settings.api_port, settings.log_level, settings.api_host) == (4321, "DEBUG", "127.0.0.1")


@pytest.mark.parametrize("content", ["API_PORT=8000\nthis is not a setting\n", "API_PORT=8000\nAPI_HOST='open\n"])
def test_broken_dotenv_names_its_line(tmp_path: Path, content: str) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(content)
    with pytest.raises(ConfigurationError, match=r"\.env: line 2 is not NAME=value"):
        load(dotenv)


def test_misspelt_setting_is_named_with_the_one_that_is_meant(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("COINGECKO_INTERVL=4\nKASPARRO_IMAGE=x\nCSV_FOLDER=y\nADMIN_API_KEY_FILE=\n")
    with pytest.raises(ConfigurationError) as caught:
        load(dotenv)
    assert str(caught.value) == "COINGECKO_INTERVL: no such setting; is COINGECKO_INTERVAL meant?"


def test_dotenv_that_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(ConfigurationError, match=r"\.env: is no file"):
        load(tmp_path / ".env")


def test_secret_file_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL_FILE: /nonexistent/url cannot be read"):
        load(DATABASE_URL_FILE="/nonexistent/url")


def test_dotenv_that_is_no_text_is_named(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(ConfigurationError, match=r"\.env: cannot be read"):
        load(dotenv)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(
            API_PORT="many",
            SOURCES="coingecko,binance",
            COINGECKO_PLAN="gold",
            COINGECKO_RATE="30",
            COINPAPRIKA_INTERVAL="soon",
            COINPAPRIKA_BASE_URL="api.coinpaprika.com",
            CSV_TIMEZONE="Mars/Olympus",
            LOG_LEVEL="LOUD",
            COINGECKO_PAGES="-3",
            REJECT_BUDGET="101%",
            DATABASE_URL="mysql://u:s3cret@h/d",
            COINGECKO_BASE_URL="http://h:99999",
        )
    lines = str(caught.value).splitlines()
    assert {line.split(":")[0] for line in lines} == {
        "API_PORT",
        "SOURCES",
        "COINGECKO_PLAN",
        "COINGECKO_RATE",
        "COINPAPRIKA_INTERVAL",
        "COINPAPRIKA_BASE_URL",
        "CSV_TIMEZONE",
        "LOG_LEVEL",
        "COINGECKO_PAGES",
        "REJECT_BUDGET",
        "DATABASE_URL",
        "COINGECKO_BASE_URL",
    }
    assert len(lines) == 12
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "name", [name for name, (_, info) in names(Settings.model_for(options())).items() if is_secret(info)]
)
def test_secret_from_a_file_and_never_shown(tmp_path: Path, name: str) -> None:
    held = tmp_path / "secret"
    held.write_text("postgresql://u:s3cret@h/d\n")
    settings = load(**{f"{name}_FILE": str(held)})
    assert "s3cret" not in repr(settings)
    assert effective(settings)[name] == "********"


def test_secret_is_not_in_the_message_about_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(COINGECKO_API_KEY="s3cret", COINGECKO_PLAN="s3cret-plan")
    assert "s3cret" not in str(caught.value)


def test_env_example_is_the_settings_class() -> None:
    text = (folder("sql").parent / ".env.example").read_text()
    written = dict(re.findall(r"^# ([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    known = names(Settings.model_for(options()))
    defaults = {
        name: "" if info.default in (None, PydanticUndefined) else info.default for name, (_, info) in known.items()
    }
    assert written == {
        name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in defaults.items()
    }
    assert all(info.description for _, info in known.values())
