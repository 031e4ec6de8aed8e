"""`python -m kasparro.sandbox --coins 20000 --port 9000`: the sandbox by hand."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from kasparro.sandbox.server import Sandbox


def main(
    coins: Annotated[int, typer.Option(help="How many coins each vendor lists.")] = 1000,
    seed: Annotated[int, typer.Option(help="Decides the coins and all their moves.")] = 7,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 9000,
    tick_every: Annotated[float, typer.Option(help="Seconds between moves of the market; 0 for none.")] = 10.0,
    all_coins: Annotated[
        bool, typer.Option("--all", help="CoinPaprika lists all coins without a key, not the top 2,000.")
    ] = False,
) -> None:
    """Play CoinPaprika and CoinGecko until interrupted. All figures are simulated."""
    free_cap = None if all_coins else 2000
    sandbox = Sandbox(coins=coins, seed=seed, host=host, port=port, tick_every=tick_every or None, free_cap=free_cap)
    try:
        asyncio.run(_serve(sandbox))
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
    except OSError as error:
        typer.echo(f"{error.strerror}; choose another --port", err=True)
        raise typer.Exit(1) from None


async def _serve(sandbox: Sandbox) -> None:
    async with sandbox:
        typer.echo("simulated")
        typer.echo(f"COINPAPRIKA_BASE_URL={sandbox.coinpaprika_url}")
        typer.echo(f"COINGECKO_BASE_URL={sandbox.coingecko_url}")
        typer.echo(f"control {sandbox.control_url}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    typer.run(main)
