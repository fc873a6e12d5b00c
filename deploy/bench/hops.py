"""Where the time of a purchase goes: from word to word, by what the services' own rows say.

A time is when the transaction began that says the word, so a hop is all that lies between: commit, relay,
broker, orchestrator, and the wait for the next batch.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import asyncpg

from common.contracts.message import Message, subject
from common.contracts.order import OrderCreated
from common.contracts.payment import PaymentAuthorized
from common.contracts.product import StockReserved
from common.contracts.purchase import PurchaseCompleted, PurchaseRequested
from deploy.bench.figures import quantiles
from deploy.client import Json


class Stop(NamedTuple):
    """A word, who says it, and how the stop is called."""

    name: str
    service: str
    word: type[Message]


STOPS = (
    Stop("requested", "purchase", PurchaseRequested),
    Stop("reserved", "product", StockReserved),
    Stop("ordered", "order", OrderCreated),
    Stop("authorized", "payment", PaymentAuthorized),
    Stop("completed", "purchase", PurchaseCompleted),
)
SETTLED = "settled"
NAMES = (*(stop.name for stop in STOPS), SETTLED)

SAID = """
SELECT correlation_id AS purchase, subject, min(created_at) AS at FROM outbox
WHERE created_on >= $1 AND created_at >= $2 AND subject = ANY($3::text[]) GROUP BY 1, 2
"""
"""The first time: a purchase that was driven again has said it twice."""
SETTLEMENTS = """
SELECT id::text AS purchase, settled_at AS at FROM purchases WHERE created_at >= $1 AND settled_at IS NOT NULL
"""
MARGIN = timedelta(minutes=1)
"""For clocks: of whoever asks, and of the database."""

Times = Mapping[str, Mapping[str, datetime]]
"""Purchase -> stop -> when."""


async def hops(databases: Mapping[str, str], since: datetime, purchases: Set[str]) -> Json:
    """Of these purchases: milliseconds of every hop."""
    services = sorted({stop.service for stop in STOPS})
    found = await asyncio.gather(*(said(databases[service], service, since - MARGIN) for service in services))
    found.append(await settlements(databases["purchase"], since - MARGIN))
    return figures(joined(row for rows in found for row in rows), purchases)


Row = tuple[str, str, datetime]
"""Purchase, stop, when."""


async def said(url: str, service: str, since: datetime) -> list[Row]:
    stops = {subject(stop.word): stop.name for stop in STOPS if stop.service == service}
    rows = await asked(url, SAID, since.date(), since, list(stops))
    return [(row["purchase"], stops[row["subject"]], row["at"]) for row in rows]


async def settlements(url: str, since: datetime) -> list[Row]:
    return [(row["purchase"], SETTLED, row["at"]) for row in await asked(url, SETTLEMENTS, since)]


async def asked(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


def joined(rows: Iterable[Row]) -> Times:
    times: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for purchase, stop, at in rows:
        times[purchase][stop] = at
    return times


def figures(times: Times, purchases: Set[str]) -> Json:
    """A hop of a purchase that never made it to its end is left out."""
    mine = [stops for purchase, stops in times.items() if purchase in purchases]
    return {
        f"{before}_to_{after}": quantiles(
            [
                (stops[after] - stops[before]).total_seconds()
                for stops in mine
                if {before, after} <= stops.keys()
            ]
        )
        for before, after in pairwise(NAMES)
    }
