"""Whom a bad message delays, and for how long: real processes that die, and whoever is left.

What nobody may wait for is a redelivery that is not his own; how long everything took is printed.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

import msgspec
import pytest

from common.contracts import order
from common.messaging import publisher
from common.messaging.broker import broker
from common.messaging.codec import encode
from common.messaging.consumer import LONE_DEATHS
from common.messaging.publisher import Outgoing, Publisher
from common.postgres.database import Database
from tests.integration.common.bench import command, redeliver_after
from tests.integration.common.doomed import FAILS, HELD, KILLS, KILLS_ONCE
from tests.servers import Servers
from tests.support import eventually

HANDLED = "SELECT causation_id AS id, extract(epoch FROM created_at)::float AS at FROM outbox"
PARKED = "SELECT deliveries, extract(epoch FROM parked_at)::float AS at FROM dead_letter"
BATCH = 256
ACK_WAIT = 5.0
"""Half of what a shop has: five deaths are five waits."""


def bad(what: str) -> order.CreateOrder:
    made = command()
    return order.CreateOrder(purchase=msgspec.structs.replace(made.purchase, method=what))


class Ward:
    """Processes that are started again when they end, and what became of the messages."""

    def __init__(
        self, servers: Servers, url: str, db: Database, publisher: Publisher, told_deaths: Path
    ) -> None:
        self.environment = {
            "DATABASE_URL": url,
            "NATS_URL": servers.nats_url_of("order"),
            "DEATHS": str(told_deaths),
        }
        self.told_deaths = told_deaths
        self.db = db
        self.publisher = publisher
        self.published: dict[str, float] = {}
        self.deaths: list[float] = []

    async def publish(self, *messages: order.CreateOrder) -> None:
        now = time.time()
        self.published |= {message.id: now for message in messages}
        said = [
            Outgoing(each.id, "cmd.order.create_order", encode(each), "-", None, None) for each in messages
        ]
        assert all(await self.publisher.publish(said))

    @asynccontextmanager
    async def replicas(self, count: int, **environment: str) -> AsyncIterator[None]:
        keeping = [asyncio.ensure_future(self._keep(environment)) for _ in range(count)]
        try:
            yield
        finally:
            for each in keeping:
                each.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)

    async def _keep(self, environment: dict[str, str]) -> None:
        while True:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.integration.common.doomed"),
                env=os.environ | self.environment | environment,
            )
            try:
                await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            self.deaths.append(time.time())

    async def delays(self, *messages: order.CreateOrder) -> list[float]:
        """Seconds from publishing to the effect, of those that have had it."""
        wanted = {message.id for message in messages}
        async with self.db.read() as tx:
            rows = await tx.fetch(HANDLED)
        return sorted(row["at"] - self.published[row["id"]] for row in rows if row["id"] in wanted)

    async def all_handled(self, *messages: order.CreateOrder, seconds: float = 120) -> list[float]:
        async def delays() -> list[float] | None:
            found = await self.delays(*messages)
            return found if len(found) == len(messages) else None

        return await eventually(delays, seconds=seconds, every=0.1) or []

    def taken_along(self) -> list[tuple[int, int]]:
        """By each death: others that the process had in hand, and those that it had asked for."""
        lines = [line.split() for line in self.told_deaths.read_text().splitlines()]
        return [(int(held), int(asked_for)) for held, asked_for in lines]

    async def parked(self) -> list[tuple[int, float]]:
        async with self.db.read() as tx:
            return [(row["deliveries"], row["at"]) for row in await tx.fetch(PARKED)]


@pytest.fixture
async def ward(
    database: Callable[[str], str],
    nats_url: str,
    servers: Servers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Ward]:
    url = database("order")
    monkeypatch.setattr(publisher, "ACK_DEADLINE", 60.0)  # what is confirmed late is stored all the same
    await redeliver_after(nats_url, ACK_WAIT)
    async with broker(nats_url, "tests") as connection, Database.connect(url, size=2, name="tests") as db:
        yield Ward(servers, url, db, Publisher(connection), tmp_path / "deaths")


async def warm(ward: Ward, replicas: int) -> None:
    """They run, and ask for whole batches ahead."""
    first = [command() for _ in range(8 * replicas)]
    await ward.publish(*first)
    await ward.all_handled(*first)


def told(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")


async def test_one_that_fails_is_parked_and_delays_nobody_by_a_second(
    ward: Ward, nats_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a second, where nothing else runs."""
    await redeliver_after(nats_url, 60.0)
    mates = [command() for _ in range(BATCH - 1)]
    async with ward.replicas(1):
        await warm(ward, 1)
        await ward.publish(*mates[:100], bad(FAILS), *mates[100:])
        with_it = await ward.all_handled(*mates)
        later: list[float] = []
        while not await ward.parked():
            one = command()
            await ward.publish(one)
            later += await ward.all_handled(one)
    slowest = max(later, default=0.0)
    told(
        capsys,
        f"beside one that fails: mates {with_it[-1]:.2f} s at most, {len(later)} later {slowest:.2f} s",
    )
    assert with_it[-1] < 30  # none had to come again
    assert slowest < 30


@pytest.mark.parametrize("replicas", [1, 2])
async def test_one_that_kills_costs_its_mates_one_redelivery_and_later_ones_nothing(
    ward: Ward, replicas: int, capsys: pytest.CaptureFixture[str]
) -> None:
    killer = bad(KILLS)
    mates = [command() for _ in range(2 * BATCH - 1)]
    async with ward.replicas(replicas):
        await warm(ward, replicas)
        await ward.publish(*mates[:100], killer, *mates[100:])
        await eventually(lambda: ward.deaths)  # what was said until then may be a mate, too
        later: list[float] = []
        while not await ward.parked():
            one = command()
            await ward.publish(one)
            later += await ward.all_handled(one)
        with_it = await ward.all_handled(*mates)
        [(deliveries, at)] = await ward.parked()
    told(
        capsys,
        f"beside one that kills, {replicas} replicas: mates {with_it[-1]:.2f} s at most,"
        f" {len(later)} later ones {max(later):.2f} s at most; parked"
        f" after {at - ward.published[killer.id]:.1f} s, {deliveries} deliveries, {len(ward.deaths)} deaths",
    )
    assert len(ward.taken_along()) == len(ward.deaths) == LONE_DEATHS + 1
    assert ward.taken_along().count((0, 0)) >= LONE_DEATHS, "one death takes others along"
    if replicas > 1:  # a single one is not there for a while after each death
        assert median(later) < ACK_WAIT - 0.5


async def test_what_an_ordinary_crash_had_in_hand_is_done_soon_after_it_comes_again(
    ward: Ward, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = tmp_path / "budget"
    budget.touch()
    messages = [command() for _ in range(2 * BATCH - 1)]
    async with ward.replicas(1, BUDGET=str(budget)):
        await warm(ward, 1)
        await ward.publish(*messages[:BATCH], bad(KILLS_ONCE), *messages[BATCH:])
        delays = await ward.all_handled(*messages)
    [(held, _)] = ward.taken_along()
    again = delays[-held:]
    told(capsys, f"{held} that a crash had in hand: from {again[0]:.2f} to {again[-1]:.2f} s")
    assert held >= HELD
    assert again[0] > ACK_WAIT - 1
    assert max(b - a for a, b in pairwise(again)) < ACK_WAIT - 0.5  # none was taken along a second time
