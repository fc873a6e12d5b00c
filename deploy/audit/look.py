"""One look at a shop that runs, and a second one at whatever seemed wrong.

Reads of several databases are no snapshot, so their order is what makes them comparable. First the horizon,
then the provider's ledger, then the participants, the purchases last: whatever a participant or the provider
did because of a decision, the purchase shows; and whoever settled before the horizon had everything confirmed
by then. Memory is a window of purchases; the rest is on the disk.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deploy.audit import statements, words
from deploy.audit.findings import Bounds, Finding, Findings, Report, State, Totals
from deploy.audit.rules import NONE, Case, judge
from deploy.audit.scratch import NOTHING, Scratch
from deploy.audit.sources import Reader, Rows, Sources

WINDOW = 5000
LEAST, MOST = UUID(int=0), UUID(int=2**128 - 1)
AGAIN_AFTER = 2.0
"""Seconds between the looks: time for what only seemed wrong to pass."""


async def audit(sources: Sources, bounds: Bounds, *, again_after: float = AGAIN_AFTER) -> Report:
    """Only what two looks agree on is a violation. Raises Unreadable."""
    first = await look(sources, bounds)
    if first.is_clean:
        return first
    await asyncio.sleep(again_after)
    second = await look(sources, bounds)
    confirmed = second.findings.confirmed(first.findings)
    return Report(confirmed, second.totals, second.services, second.seconds)


async def look(sources: Sources, bounds: Bounds) -> Report:
    """Raises Unreadable."""
    began = time.monotonic()
    async with sources.opened() as reader:
        with closing(Scratch()) as scratch:
            looking = Looking(reader, bounds, scratch)
            await looking.run()
    return Report(looking.findings, looking.totals, looking.services, time.monotonic() - began)


@dataclass
class Looking:
    """What one look has seen so far."""

    reader: Reader
    bounds: Bounds
    scratch: Scratch
    findings: Findings = field(default_factory=Findings)
    services: dict[str, State] = field(default_factory=dict)
    purchases: Counter[str] = field(default_factory=Counter)
    ages: dict[str, float] = field(default_factory=lambda: {"pending": 0.0, "open": 0.0})
    owed: int = 0
    taken: int = 0
    open: int = 0
    said: int = 0

    @property
    def totals(self) -> Totals:
        ages = self.ages["pending"], self.ages["open"]
        return Totals(dict(self.purchases), self.owed, self.taken, self.open, *ages, self.said)

    async def run(self) -> None:
        [[horizon]] = await self.reader.rows("purchase", statements.HORIZON)
        async for page in self.reader.ledger():
            self.scratch.fold(page)
        async for low, high in self._windows():
            await self._compare(low, high, horizon)
        self.findings.add(strangers(self.scratch))
        await self._rest()
        self.said = await words.compare(self.reader, self.scratch, self.bounds, self.findings)

    async def _windows(self) -> AsyncIterator[tuple[UUID, UUID]]:
        """Every id that there can be, in pieces of so many purchases."""
        low = LEAST
        while edge := await self.reader.rows("purchase", statements.EDGE, low, WINDOW):
            yield low, edge[0]["id"]
            low = edge[0]["id"]
        yield low, MOST

    async def _compare(self, low: UUID, high: UUID, horizon: object) -> None:
        reservations, orders, payments, mails = await asyncio.gather(
            self.reader.rows("product", statements.RESERVATIONS, low, high),
            self.reader.rows("order", statements.ORDERS, low, high),
            self.reader.rows("payment", statements.PAYMENTS, low, high),
            self.reader.rows("mail", statements.MAILS, low, high),
        )
        purchases = await self.reader.rows("purchase", statements.PURCHASES, low, high, horizon)
        known = [by_id(rows) for rows in (purchases, reservations, orders, payments)]
        notices: dict[UUID, Rows] = {}
        for mail in mails:
            notices.setdefault(mail["id"], []).append(mail)
        money = {as_id(key): each for key, each in self.scratch.money(low, high).items()}
        for key in sorted(set().union(*known, notices, money)):
            purchase, *rows = (each.get(key) for each in known)
            reservation, order, payment = (NONE if row is None else row for row in rows)
            case = Case(
                key, purchase, reservation, order, payment, notices.get(key, ()), money.get(key, NOTHING)
            )
            self._count(case)
            self.findings.add(judge(case, self.bounds))

    def _count(self, case: Case) -> None:
        self.taken += case.money.taken
        if (purchase := case.purchase) is None:
            return
        self.purchases[purchase["status"]] += 1
        if purchase["status"] == "PENDING":
            self.ages["pending"] = max(self.ages["pending"], purchase["age"])
        elif purchase["is_open"]:
            self.open += 1
            self.ages["open"] = max(self.ages["open"], purchase["decided_for"] or 0.0)
        if purchase["status"] == "COMPLETED":
            self.owed += purchase["total"]

    async def _rest(self) -> None:
        """What is in one database alone: each of these is one statement, and so one snapshot."""
        stock = await self.reader.rows("product", statements.STOCK)
        self.findings.add([each for row in stock for each in of_stock(row, await self._blamed(row))])
        feeds = await self.reader.rows("purchase", statements.FEEDS)
        self.findings.add(
            Finding("I8", f"the feed of {row['account_id']}", "has a gap", seen(row, "last_seq", "events"))
            for row in feeds
        )
        self.findings.add(
            Finding("I11", str(row["id"]), "shares its Idempotency-Key", f"{row['count']}", row["id"])
            for row in await self.reader.rows("purchase", statements.KEYS)
        )
        for service in self.reader.connections:
            [row] = await self.reader.rows(service, statements.STATE)
            self.services[service] = State(row["oldest_unsent"], row["letters"])
            self.findings.add(of_messages(service, self.services[service], self.bounds))

    async def _blamed(self, row: Any) -> UUID | None:
        """Only of the first ones: the question costs a look at every reservation."""
        if not row["is_whole"] or self.findings.counts["I2"] > 10:
            return None
        found = await self.reader.rows("product", statements.BLAMED, row["product_id"])
        return found[0]["id"] if found else None


def by_id(rows: Rows) -> dict[UUID, Any]:
    return {row["id"]: row for row in rows}


def as_id(key: str) -> UUID:
    """Of an authorization within a window: 36 characters that are in order with UUIDs, but may be none."""
    try:
        return UUID(key)
    except ValueError:
        return LEAST


def strangers(scratch: Scratch) -> Iterator[Finding]:
    for key, money in scratch.strange().items():
        if money.held or money.taken:
            yield Finding("I6", key, "is no purchase, and money was moved for it", f"{money}")


def of_stock(row: Any, blamed: UUID | None) -> Iterator[Finding]:
    about = f"product {row['product_id']}"
    if row["is_negative"]:
        yield Finding("I1", about, "has less than nothing", seen(row, "available"), blamed)
    if row["is_lost"]:
        figures = seen(row, "received", "available", "reserved")
        yield Finding("I2", about, "has not what was received", figures, blamed)
    if row["is_unexplained"]:
        figures = seen(row, "available", "by_ledger", "reserved", "reserved_by_ledger", "breaks")
        yield Finding("I2", about, "is not what its ledger says", figures, blamed)


def of_messages(service: str, state: State, bounds: Bounds) -> Iterator[Finding]:
    if state.oldest_unsent > bounds.unsent:
        yield Finding("I9", f"the outbox of {service}", "does not drain", f"{state.oldest_unsent:.0f} s")
    if state.letters and bounds.is_closed:
        yield Finding("I9", service, "has dead letters", str(state.letters))


def seen(row: Any, *names: str) -> str:
    return ", ".join(f"{name} {row[name]}" for name in names)
