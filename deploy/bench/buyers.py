"""The customers of the load generator: each buys, hears what came of it, and writes down how long it took."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.client import Customer
from deploy.events import Event


@dataclass
class Measured:
    """What the clients saw. Times in seconds."""

    posted: dict[str, float] = field(default_factory=dict)
    accepted: list[float] = field(default_factory=list)
    decided: dict[str, tuple[str, float]] = field(default_factory=dict)
    told: list[float] = field(default_factory=list)
    """From the decision, just before its commit, to the client; both clocks are this machine's."""

    def durations(self) -> list[float]:
        return [at - self.posted[purchase] for purchase, (_, at) in self.decided.items()]


@dataclass
class Buyer:
    """One customer: all its purchases come back over its one account stream."""

    customer: Customer
    measured: Measured
    mine: int = 0
    heard: int = 0
    """The newest event of its stream; the next load begins after it."""

    @asynccontextmanager
    async def listening(self, expected: int) -> AsyncIterator[None]:
        """Inside, decisions are noted as they arrive; leaving waits for all of them."""
        async with self.customer.watch_all(self.heard) as events, asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(events, expected))
            yield
            await reading

    async def _read(self, events: AsyncIterator[Event], expected: int) -> None:
        async for event in events:
            self.heard = event.id
            if event.is_decision:
                self.measured.decided[event.data["purchase_id"]] = (event.type, time.perf_counter())
                decided_at = datetime.fromisoformat(event.data["at"])
                self.measured.told.append((datetime.now(UTC) - decided_at).total_seconds())
                self.mine += 1
                if self.mine == expected:
                    return

    async def buy(self, products: Sequence[str], due: float) -> None:
        bought = await self.customer.buy(dict.fromkeys(products, 1))
        self.measured.accepted.append(time.perf_counter() - due)
        self.measured.posted[bought["id"]] = due
