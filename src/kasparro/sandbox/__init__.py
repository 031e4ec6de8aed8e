"""CoinPaprika and CoinGecko to play with: a small server for the demo, the tests and the benchmarks.

Its coins are real ones with figures of the past, and simulated ones named as such; its prices wander;
it fails on demand.
"""

from kasparro.sandbox import faults, plan
from kasparro.sandbox.calls import Call
from kasparro.sandbox.server import Keys, Sandbox

__all__ = ["Call", "Keys", "Sandbox", "faults", "plan"]
