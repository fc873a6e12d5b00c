"""What is asked for is compared with its rows before its time is over, thousands of answers by one statement.

An answer that ends while somebody wants it costs the next reader the whole way: the application, Redis four
times, the database. Looked at among thousands of others it costs hundreds of times less, and nobody waits.
What is still made of the very rows that are there is as good as read now; what is not is read again. From
then on it has its own time, and no more: while the database is away it ends.
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
AT_ONCE = 5_000
"""Answers of one statement: it keeps everybody else waiting for a few milliseconds. A busy machine answers
few statements in two seconds, however small they are."""
WANTED_SECONDS = 60.0
"""So long after somebody asked for it. In that time it costs less than a tenth of being loaded once more."""

Marks = Callable[[Sequence[str]], Awaitable[Mapping[str, tuple[int, ...]]]]
"""Of the rows as they are. What is not there is left out, and so are keys that are left to end."""
Reload = Callable[[Sequence[str]], Awaitable[Mapping[str, Answer]]]


class Refresh:
    """Of the memory of one process."""

    def __init__(self, memory: Memory, counts: Counts, marks: Marks, reload: Reload) -> None:
        self._memory = memory
        self._counts = counts
        self._marks = marks
        self._reload = reload

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            began = time.monotonic()
            try:
                await self.refresh()
            except UNAVAILABLE as error:
                log.warning("what is kept cannot be compared now: %r", error)
            await asyncio.sleep(max(REST, began + EVERY - time.monotonic()))

    async def refresh(self) -> None:
        """Once, all of it. Raises UNAVAILABLE."""
        keys = self._memory.wanted(WANTED_SECONDS)
        for first in range(0, len(keys), AT_ONCE):
            now = self._memory.clock()
            marks = await self._marks(keys[first : first + AT_ONCE])
            changed = [key for key, mark in marks.items() if not self._memory.prolong(key, mark, now)]
            if changed:
                for key, answer in (await self._reload(changed)).items():
                    self._memory.renew(key, Kept(answer, now + answer.seconds))
            self._counts.refreshed += len(marks)
