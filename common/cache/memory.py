"""The level in the process: a few answers, bounded in bytes and time, and what is known to be outdated."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from common.cache.model import NO_FENCE, Answer, Change, raised

MOST_FENCES = 50_000
OVERHEAD = 500
"""Bytes that an answer takes beside its body, about."""


class Kept(NamedTuple):
    """An answer, and until when it counts, by the clock of this process."""

    answer: Answer
    until: float


class Memory:
    """The answer that nobody asked for longest goes first. With no bytes it keeps fences alone."""

    def __init__(
        self, *, most_bytes: int = 0, seconds: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._bytes = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._fences: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> Answer | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self.clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.answer

    def put(self, key: str, kept: Kept) -> None:
        """Does nothing for what is outdated already: it was on its way when it changed."""
        self._drop(key)
        size = len(kept.answer.body) + OVERHEAD
        if size > self._most_bytes or self.is_outdated(key, kept.answer):
            return
        self._kept[key] = Kept(kept.answer, min(kept.until, self.clock() + self._seconds))
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def is_outdated(self, key: str, answer: Answer) -> bool:
        return answer.is_older_than(self._fences.get(key, NO_FENCE))

    def hear(self, change: Change) -> None:
        """At once, so that no reader comes in between."""
        fence = raised(self._fences.get(change.key, NO_FENCE), change.part, change.version)
        self._fences[change.key] = fence
        self._fences.move_to_end(change.key)
        if len(self._fences) > MOST_FENCES:
            self._fences.popitem(last=False)
        kept = self._kept.get(change.key)
        if kept is not None and kept.answer.is_older_than(fence):
            self._drop(change.key)

    def clear(self) -> None:
        """The fences stay: they are true for ever."""
        self._kept.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.answer.body) + OVERHEAD
