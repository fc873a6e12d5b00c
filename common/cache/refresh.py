"""What is asked for is read again before its time is over, many answers by one statement.

An answer that ends while somebody wants it costs the next reader the whole way: the application, Redis four
times, the database. Read again among many others it costs a fiftieth of that, and nobody waits. Nothing is
compared and nothing prolonged: each answer is as the database had it when it was asked, or newer, and from
then on has a time of its own. While the database is away they end.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from common.cache.counts import Counts
from common.cache.memory import Kept, Memory
from common.cache.model import Answer
from common.postgres.database import UNAVAILABLE

log = logging.getLogger(__name__)

EVERY = 2.0
"""An answer of four and a half seconds has two chances."""
REST = 0.1
"""For everybody else, should a round take longer than that."""
AT_ONCE = 1_000
"""Answers of one statement: what it brings keeps everybody else waiting for a few milliseconds. A busy
machine answers few statements in two seconds, however small they are."""
WANTED_SECONDS = 60.0
"""So long after somebody asked for it. In that time it costs less than half of being loaded once more."""

Reload = Callable[[Sequence[str]], Awaitable[Mapping[str, Answer]]]
"""Reads the database. What is not there is left out, and so are keys that are left to end."""


class Refresh:
    """Of the memory of one process."""

    def __init__(self, memory: Memory, counts: Counts, reload: Reload) -> None:
        self._memory = memory
        self._counts = counts
        self._reload = reload

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            began = time.monotonic()
            try:
                await self.refresh()
            except UNAVAILABLE as error:
                log.warning("what is kept cannot be read again now: %r", error)
            await asyncio.sleep(max(REST, began + EVERY - time.monotonic()))

    async def refresh(self) -> None:
        """Once, all of it. Raises UNAVAILABLE."""
        keys = self._memory.wanted(WANTED_SECONDS)
        for first in range(0, len(keys), AT_ONCE):
            now = self._memory.clock()
            for key, answer in (await self._reload(keys[first : first + AT_ONCE])).items():
                self._memory.renew(key, Kept(answer, now + answer.seconds))
                self._counts.refreshed += 1
