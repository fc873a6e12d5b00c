"""All counts of a running stack: at rest, before a load, and after it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import psutil

from deploy.bench import database, messages
from deploy.bench.costs import Costs, Reading, Sample, per_purchase, per_second_of_rest, totals
from deploy.bench.database import FLUSH_SECONDS, TEXTS_KIND, Counters
from deploy.bench.figures import memory
from deploy.bench.messages import Stream
from deploy.bench.processes import Peaks, Processes, spent
from deploy.client import Json
from deploy.embedded.stack import Stack

SHOWN_TEXTS = 60


@dataclass
class Meter:
    """Costs are the load's own if the stack rests for some seconds before it; without, nobody waits."""

    processes: Processes
    counters: Counters
    stream: Stream
    rest: float

    async def at_rest(self) -> tuple[Reading, Reading]:
        """Two readings, between which the stack was left alone."""
        if not self.rest:
            reading = await self._now()
            return reading, reading
        await asyncio.sleep(FLUSH_SECONDS)
        rested = await self._now() | await self.counters.told()
        await asyncio.sleep(self.rest)
        return rested, await self._now() | await self.counters.told()

    async def after(self) -> dict[str, Sample]:
        """What is counted late is waited for, but all else is read first."""
        reading = await self._now()
        if self.rest:
            await asyncio.sleep(FLUSH_SECONDS)
            reading |= await self.counters.told()
        return reading

    async def _now(self) -> dict[str, Sample]:
        own = Sample(time.perf_counter(), {"cpu_ms": 1000 * spent(psutil.Process().pid)})
        used = Sample(time.perf_counter(), self.processes.cpu_ms())
        return {"load_tool": own, "cpu_ms": used, **await self.counters.now(), **await self.stream.now()}


@asynccontextmanager
async def metering(
    stack: Stack, session: aiohttp.ClientSession, *, statements: bool, rest: float
) -> AsyncIterator[Meter]:
    async with (
        database.counters(stack, statements=statements) as counters,
        messages.stream(stack, session) as stream,
    ):
        yield Meter(Processes.of(stack), counters, stream, rest)


def as_json(known: dict[str, Costs], purchases: int, peaks: Peaks) -> Json:
    """`per_purchase` is less what the idle stack does by itself, `totals` are as they were counted."""
    shares = per_purchase(known, purchases)
    texts = shares.pop(TEXTS_KIND, {})
    shown = {text: share for text, share in list(texts.items())[: SHOWN_TEXTS + 1] if text != "total"}
    counted = {kind: each for kind, each in known.items() if kind != TEXTS_KIND}
    return {
        "per_purchase": shares,
        "idle_per_second": per_second_of_rest(counted),
        "totals": totals(counted),
        "pss_mib": memory(peaks),
    } | ({TEXTS_KIND: shown} if shown else {})
