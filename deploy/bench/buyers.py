"""The customers of the load generator: each buys, hears what came of it, and writes down how long it took."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.client import Customer, TooMany, Unavailable
from deploy.events import Event


@dataclass
class Measured:
    """What the clients saw. Times in seconds."""

    posted: dict[str, float] = field(default_factory=dict)
    accepted: list[float] = field(default_factory=list)
    decided: dict[str, tuple[str, float]] = field(default_factory=dict)
    told: list[float] = field(default_factory=list)
    """From the decision, just before its commit, to the client; both clocks are this machine's."""
    refused: Counter[str] = field(default_factory=Counter)
    """Requests of an open loop that the shop did not take on."""

    def durations(self) -> list[float]:
        return [at - self.posted[purchase] for purchase, (_, at) in self.decided.items()]


@dataclass
class Buyer:
    """One customer: all its purchases come back over its one account stream."""

    customer: Customer
    measured: Measured
    is_listening: asyncio.Event = field(default_factory=asyncio.Event)
    heard: int = 0
    """The newest event of its stream: the next stream begins after it."""
    _open: set[str] = field(default_factory=set)
    """What it has heard too little, or, of a decision that overtook its 202, too much of."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Runs until cancelled: notes decisions as they arrive."""
        while True:
            await self.customer.stay_signed_in()
            async with self.customer.watch_all(self.heard) as events:
                self.is_listening.set()
                async for event in events:
                    self._hear(event)

    async def buy(self, products: Sequence[str], due: float) -> str:
        """What it takes counts from when it was due."""
        await self.customer.stay_signed_in()
        bought = await self.customer.buy(dict.fromkeys(products, 1))
        self.measured.accepted.append(time.perf_counter() - due)
        self.measured.posted[bought["id"]] = due
        self._open ^= {bought["id"]}
        return str(bought["id"])

    async def try_to_buy(self, products: Sequence[str], due: float) -> None:
        """A refusal is counted: whoever comes at a rate does not come less often because of it."""
        try:
            await self.buy(products, due)
        except (TooMany, Unavailable) as refusal:
            self.measured.refused[type(refusal).__name__] += 1

    async def caught_up(self) -> None:
        """Returns when everything it bought is decided; call it when nothing is being bought."""
        while self._open:
            self._news.clear()
            await self._news.wait()

    def _hear(self, event: Event) -> None:
        self.heard = event.id
        if event.is_decision:
            purchase = event.data["purchase_id"]
            self.measured.decided[purchase] = (event.type, time.perf_counter())
            self.measured.told.append(age(event))
            self._open ^= {purchase}
            self._news.set()


@asynccontextmanager
async def listening(buyers: Sequence[Buyer]) -> AsyncIterator[None]:
    """Inside, the stream of each of them is open."""
    async with asyncio.TaskGroup() as tasks:
        streams = [tasks.create_task(buyer.listen()) for buyer in buyers]
        for buyer in buyers:
            await buyer.is_listening.wait()
        yield
        for stream in streams:
            stream.cancel()


def age(event: Event) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(event.data["at"])).total_seconds()
