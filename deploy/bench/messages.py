"""What the broker counts: messages of the stream by subject, and everything that goes in and out of it."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import nats
from nats.js import JetStreamContext

from common.messaging.streams import STREAM
from deploy.bench.costs import Sample
from deploy.embedded.stack import Stack

TRAFFIC = ("in_msgs", "out_msgs", "in_bytes", "out_bytes")


@dataclass(frozen=True)
class Stream:
    """The broker as its administrator sees it, and the pages of its monitors."""

    js: JetStreamContext
    session: aiohttp.ClientSession
    monitors: list[str]

    async def now(self) -> dict[str, Sample]:
        """Nothing is ever deleted from the stream within a bench."""
        state = (await self.js.stream_info(STREAM, subjects_filter=">")).state
        messages = {subject: float(count) for subject, count in (state.subjects or {}).items()}
        at = time.perf_counter()
        return {"messages": Sample(at, messages), "broker": Sample(at, await self._traffic())}

    async def _traffic(self) -> dict[str, float]:
        """Of all servers: acknowledgements, fetches and answers too."""
        total = Counter[str]()
        for monitor in self.monitors:
            async with self.session.get(f"{monitor}/varz") as answer:
                told = await answer.json()
            total.update({name: told[name] for name in TRAFFIC})
        return {name: float(count) for name, count in total.items()}


@asynccontextmanager
async def stream(stack: Stack, session: aiohttp.ClientSession) -> AsyncIterator[Stream]:
    client = await nats.connect(stack.nats_url.split(","))
    monitors = [stack.url(f"{name}_monitor") for name in stack.layout.nodes.names("nats")]
    try:
        yield Stream(client.jetstream(), session, monitors)
    finally:
        await client.close()
