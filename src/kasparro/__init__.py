"""Kasparro: cryptocurrency market data, collected, kept and served by one asyncio process."""

__version__ = "0.1.0"
