"""The promises, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import NamedTuple

from kasparro.selftest.crashes import crashes, migration_crashes
from kasparro.selftest.credits import months
from kasparro.selftest.ground import Ground
from kasparro.selftest.leaks import leaks
from kasparro.selftest.ledgers import conservation
from kasparro.selftest.outages import database_outage, source_outage
from kasparro.selftest.poison import poison
from kasparro.selftest.precision import precision
from kasparro.selftest.repeats import monotone, repeats
from kasparro.selftest.split_brain import frozen, ticks
from kasparro.selftest.stops import graceful_stop
from kasparro.selftest.verdict import Verdict

Trial = Callable[[Ground, Random, Verdict], Awaitable[None]]


class Promise(NamedTuple):
    """What is promised; which figure proves that it was tried; what tries it, how often in short and at length."""

    says: str
    proof: str
    trials: tuple[tuple[Trial, int, int], ...]


PROMISES: Mapping[str, Promise] = {
    "P1": Promise(
        "Killed at any instant, a run is finished by the next: nothing lost, nothing twice",
        "kills_survived",
        ((crashes, 1, 36), (migration_crashes, 1, 10)),
    ),
    "P2": Promise(
        "A page that comes again, in any order, to any replica, changes nothing", "deliveries", ((repeats, 1, 10),)
    ),
    "P3": Promise(
        "A frozen owner that wakes up late commits nothing, and of all replicas one runs each tick",
        "takeovers",
        ((frozen, 2, 20), (ticks, 1, 10)),
    ),
    "P4": Promise("Every record that came is accounted for, whatever came", "records", ((conservation, 1, 10),)),
    "P5": Promise("The latest row of a coin never goes back in time", "observations", ((monotone, 1, 10),)),
    "P6": Promise("Never a call over the quota, and none while the vendor forbids it", "calls", ((months, 1, 4),)),
    "P7": Promise("What cannot be read costs itself only, in bounded memory", "poisons", ((poison, 1, 2),)),
    "P8": Promise(
        "A database that dies or is full is found again, without a half page",
        "server_kills",
        ((database_outage, 1, 5),),
    ),
    "P9": Promise(
        "A source that is down for a day delays no other, and comes back without a storm",
        "hours_of_outage",
        ((source_outage, 1, 1),),
    ),
    "P10": Promise(
        "SIGTERM under load: stopped within 10 s, behind the last committed page",
        "requests_served",
        ((graceful_stop, 1, 10),),
    ),
    "P11": Promise(
        "1e-18 to 1e18 and 30 digits, equal in the database and in the API", "figures", ((precision, 1, 5),)
    ),
    "P12": Promise("No key and no password in any log, metric, row or answer", "places", ((leaks, 1, 2),)),
}
