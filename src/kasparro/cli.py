"""The `kasparro` command: data to stdout, logs to stderr.

Exit code 1 is a failure, 2 a mistake of usage or settings.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from kasparro import (
    __version__,
    app,
    asset_commands,
    background,
    history_commands,
    log,
    postgres,
    progress,
    report,
    selftest,
    setup,
)
from kasparro.console import Json, moment, pretty, stoppable, tell
from kasparro.errors import ConfigurationError
from kasparro.ingest.replay import applied, tried
from kasparro.selftest import table
from kasparro.settings import Settings, effective
from kasparro.store.rejects import Choice

commands = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Cryptocurrency market data: collected, kept and served.",
)
commands.add_typer(asset_commands.commands, name="assets")
commands.command()(history_commands.coverage)
commands.command()(history_commands.backfill)
Only = Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")]
Demo = Annotated[bool, typer.Option("--demo", help="The demo with simulated upstreams, not the service.")]


def main() -> None:
    """Run the command; a mistake of settings or surroundings is its sentence and exit code 2."""
    try:
        commands()
    except ConfigurationError as error:
        for line in str(error).splitlines():
            print(f"kasparro: {line}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _home(settings: Settings, demo: bool) -> Path:
    return app.demo_home(settings) if demo else settings.kasparro_home


@commands.command()
def serve() -> None:
    """Run the service in the foreground, until SIGTERM or Ctrl-C."""
    asyncio.run(app.serve(setup.settings()))


@commands.command()
def demo() -> None:
    """Run the service in the foreground against simulated upstreams, in a database of its own."""
    asyncio.run(app.demo(setup.settings()))


@commands.command(hidden=True)
def worker(number: int, folder: Path) -> None:
    """Serve as one of several: what `serve` starts where API_WORKERS is more than one."""
    asyncio.run(app.attend(setup.settings(), number, folder))


@commands.command()
def up(demo: Demo = False) -> None:
    """Start the service in the background, and wait until it answers."""
    settings = setup.settings()
    home = _home(settings, demo)
    already = background.running(home)
    command = [sys.executable, "-m", "kasparro", "demo" if demo else "serve"]
    service = already or background.up(settings.model_copy(update={"kasparro_home": home}), command)
    print(f"Kasparro is running already (process {service.pid})." if already else "Kasparro has started.")
    print(report.text(service, report.settled(service)))


@commands.command()
def down() -> None:
    """Stop the service in the background, and the demo; the data stays."""
    settings = setup.settings()
    homes = [_home(settings, demo) for demo in (False, True)]
    for home in [home for home in homes if background.running(home)] or homes[:1]:
        print(background.down(home))


@commands.command()
def logs(demo: Demo = False) -> None:
    """Follow the log of the service in the background."""
    with suppress(KeyboardInterrupt):
        for text in background.follow(_home(setup.settings(), demo) / "kasparro.log"):
            print(text, end="", flush=True)


@commands.command()
def clean() -> None:
    """Delete the embedded database and the log; the service must be down. Asks nothing."""
    settings = setup.settings()
    for demo in (True, False):
        home = _home(settings, demo)
        postgres.remove(home)
        background.remove(home)
    print(f"Nothing of Kasparro is left in {settings.kasparro_home}.")


@commands.command()
def ingest(sources: Annotated[list[str] | None, typer.Argument()] = None, as_json: Json = False) -> None:
    """Run one cycle of the sources, or of all, and say what came of it."""
    settings = setup.settings(sources)
    with stoppable("the next cycle goes on from there"), progress.shown(settings.sources) as watch:
        results = asyncio.run(app.ingest(settings, watch))
    print(progress.as_json(results) if as_json else progress.as_table(results))
    if any(result.status in ("failed", "parked") for result in results):
        sys.exit(1)


@commands.command()
def replay(
    source: Only = None,
    run: Annotated[int | None, typer.Option(help="Only records of this run.")] = None,
    reject: Annotated[list[int] | None, typer.Option(help="Only this record; may be given again.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would become of them.")] = False,
    as_json: Json = False,
) -> None:
    """Read quarantined records again, once a mapping or a setting is mended."""
    settings, choice = setup.settings(source), Choice(run, reject)
    with stoppable("a replay does the rest"):
        results = asyncio.run(app.replay(settings, choice, tried if dry_run else applied))
    tell([result.row() for result in results], as_json=as_json)


@commands.command()
def rebuild(
    source: Only = None,
    since: Annotated[
        datetime | None, typer.Option(parser=moment, help="Only from pages fetched since, such as 2026-01-31T12:00Z.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Derive the latest rows and the history again from the raw pages that are kept; asks no vendor."""
    settings = setup.settings(source)
    with stoppable("a rebuild does the rest"):
        results = asyncio.run(app.rebuild(settings, since))
    tell([result.row() for result in results], as_json=as_json)


@commands.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    asyncio.run(app.migrate(setup.settings()))
    print("The schema is up to date.")


@commands.command()
def status(as_json: Json = False) -> None:
    """Tell how the running service and its sources are; exit code 1 when it does not run or is unhealthy."""
    service = _service(setup.settings())
    with _answering(service):
        health = orjson.loads(service.get("/health")[1])
    print(pretty(health) if as_json else report.text(service, health))
    if health["status"] == "unhealthy":
        sys.exit(1)


@commands.command()
def healthcheck() -> None:
    """Exit with 0 when the service is ready, else with 1: for containers."""
    service = _service(setup.settings())
    with _answering(service):
        code, _ = service.get("/health/ready", seconds=5)
    sys.exit(0 if code == 200 else 1)


@commands.command()
def get(path: str) -> None:
    """Print what the running service answers at PATH, such as /health or /data?source=csv."""
    settings = setup.settings()
    service = _service(settings)
    with _answering(service):
        code, body = service.get(path, key=settings.own_key)
    try:
        print(pretty(orjson.loads(body)))
    except orjson.JSONDecodeError:
        print(body.decode("utf-8", "replace"))
    if code >= 400:
        sys.exit(1)


@commands.command()
def config(as_json: Json = False) -> None:
    """Print the settings in effect; secrets are masked."""
    values = effective(setup.settings())
    print(pretty(values) if as_json else "\n".join(f"{name}={value or ''}" for name, value in values.items()))


@commands.command("selftest")
def try_promises(
    quick: Annotated[bool, typer.Option("--quick", help="A trial of each: less than a minute.")] = False,
    as_json: Json = False,
    seed: Annotated[str, typer.Option(help="Decides every kill and every bad record.")] = "7",
    promise: Annotated[str, typer.Option(help="Comma list, such as P1,P3; all of them if left out.")] = "",
    markdown: Annotated[Path | None, typer.Option(help="Put the table into this file too.")] = None,
) -> None:
    """Try what Kasparro promises, on this machine: kills, outages, poison. Touches no data of yours."""
    log.configure("CRITICAL", "auto")  # what goes wrong on purpose is no news
    names = [name.strip().upper() for name in promise.split(",") if name.strip()] or list(selftest.PROMISES)
    if unknown := set(names) - selftest.PROMISES.keys():
        raise ConfigurationError(f"no such promise: {', '.join(sorted(unknown))}; {', '.join(selftest.PROMISES)}")
    verdicts = asyncio.run(
        selftest.run(names, seed=seed, is_quick=quick, said=lambda line: print(line, file=sys.stderr))
    )
    print(table.as_json(verdicts) if as_json else table.as_text(verdicts))
    if markdown:
        table.insert(markdown, table.as_markdown(verdicts, seed))
    if any(verdict.failures for verdict in verdicts):
        sys.exit(1)


@commands.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def _service(settings: Settings) -> background.Service:
    """The service in the background, or else whatever listens where the settings say."""
    for demo in (False, True):
        if (service := background.running(_home(settings, demo))) is not None:
            return service
    return background.Service.at(settings)


@contextmanager
def _answering(service: background.Service) -> Iterator[None]:
    try:
        yield
    except OSError:
        print(f"kasparro: nothing answers at {service.url}: is it running? `just up` starts it", file=sys.stderr)
        sys.exit(1)
