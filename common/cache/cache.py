"""Reads through: this process, Redis, the database. Every way leads to the same answer, some sooner."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from common.cache.counts import Counts
from common.cache.flights import Flights
from common.cache.memory import Kept, Memory
from common.cache.model import Answer
from common.cache.store import SURE_SECONDS, Away, Store

JITTER = 0.1
"""What was loaded together does not end together."""
WAIT_SECONDS = 0.3
"""For another process to load it; then one loads it oneself."""
GLANCE_SECONDS = 0.01

Load = Callable[[], Awaitable[Answer | None]]
"""Reads the database; None for what is not there, which is not kept."""


class Cache:
    """One kind of answers. `coalesced`: processes wait for each other's loads, worth it for what many ask."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        counts: Counts,
        *,
        coalesced: bool,
        excludes: Callable[[str], Awaitable[bool]] | None = None,
    ) -> None:
        """`excludes`: knows of some keys for certain that nothing is there."""
        self.store = store
        self.memory = memory
        self.counts = counts
        self._coalesced = coalesced
        self._excludes = excludes
        self._flights = Flights[Kept | None]()

    async def read(self, key: str, load: Load) -> Answer | None:
        """Never older than what this process knows of."""
        answer = self.ready(key)
        if answer is not None:
            return answer
        kept = await self.fetch(key, load)
        return kept.answer if kept else None

    def ready(self, key: str) -> Answer | None:
        """Out of memory."""
        answer = self.memory.get(key)
        if answer is not None:
            self.counts.memory += 1
        return answer

    async def fetch(self, key: str, load: Load) -> Kept | None:
        """Past the memory, into it; says until when it counts."""
        looked = False

        async def look() -> Kept | None:
            nonlocal looked
            looked = True
            return await self._look(key, load)

        kept = await self._flights.join(key, look)
        self.counts.joined += not looked
        if kept is not None and self.memory.is_outdated(key, kept.answer):
            kept = await self._load(load)
        if kept is not None:
            self.memory.put(key, kept)
        return kept

    async def _look(self, key: str, load: Load) -> Kept | None:
        try:
            found = await self._found(key)
            if found is None and self._excludes and await self._excludes(key):
                self.counts.filter += 1
                return None
            is_ours = found is None and self._coalesced and await self.store.lock(key)
            if found is None and self._coalesced and not is_ours:
                found = await self._wait(key)
        except Away:
            self.counts.away += 1
            return await self._load(load)
        if found is not None:
            self.counts.redis += 1
            return found
        return await self._load_for_all(key, load, is_ours=is_ours)

    async def _wait(self, key: str) -> Kept | None:
        """For whoever has the lock; None when that takes too long, or whoever had it is no more."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(GLANCE_SECONDS)
            if found := await self._found(key):
                return found
        return None

    async def _found(self, key: str) -> Kept | None:
        found = await self.store.look(key)
        if found is None or self.memory.is_outdated(key, found.answer):
            return None
        return Kept(found.answer, self.memory.clock() + found.seconds)

    async def _load_for_all(self, key: str, load: Load, *, is_ours: bool) -> Kept | None:
        began = time.monotonic()
        kept = await self._load(load)
        with suppress(Away):
            if kept is not None:
                await self.store.keep(key, kept.answer, kept.until - self.memory.clock())
            if is_ours and time.monotonic() - began < SURE_SECONDS:
                await self.store.unlock(key)
        return kept

    async def _load(self, load: Load) -> Kept | None:
        """Its time begins before the load: whatever happens in between, it is not newer than that."""
        self.counts.loads += 1
        now = self.memory.clock()
        answer = await load()
        if answer is None:
            return None
        return Kept(answer, now + answer.seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311  # no secret
