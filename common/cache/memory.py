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


class _Held:
    """`asked`: when somebody last asked for it."""

    __slots__ = ("answer", "asked", "until")

    def __init__(self, answer: Answer, until: float, asked: float) -> None:
        self.answer = answer
        self.until = until
        self.asked = asked


class Memory:
    """The answer that nobody asked for longest goes first. With no bytes it keeps fences alone."""

    def __init__(
        self, *, most_bytes: int = 0, seconds: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._bytes = 0
        self._held: OrderedDict[str, _Held] = OrderedDict()
        """In the order in which they were asked for."""
        self._fences: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: str) -> Answer | None:
        held = self._held.get(key)
        if held is None:
            return None
        now = self.clock()
        if held.until <= now:
            self._drop(key)
            return None
        held.asked = now
        self._held.move_to_end(key)
        return held.answer

    def put(self, key: str, kept: Kept) -> None:
        """Somebody asked for it."""
        if not self._knows_newer(key, kept.answer):
            self._drop(key)
            self._hold(key, kept, self.clock())

    def renew(self, key: str, kept: Kept) -> None:
        """In place of what is still there; nobody has asked for it by that."""
        held = self._held.get(key)
        if held is not None and not self._knows_newer(key, kept.answer):
            self._hold(key, kept, held.asked)

    def prolong(self, key: str, mark: tuple[int, ...], read_at: float) -> bool:
        """What is still made of the rows that were there then is as good as read then; whether it is."""
        held = self._held.get(key)
        if held is None:
            return True
        if held.answer.mark != mark:
            return False
        held.until = max(held.until, read_at + min(held.answer.seconds, self._seconds))
        return True

    def wanted(self, seconds: float) -> list[str]:
        """What was asked for within this time, what ends soonest first; the rest goes."""
        since = self.clock() - seconds
        while self._held and next(iter(self._held.values())).asked < since:
            self._drop(next(iter(self._held)))
        return sorted(self._held, key=lambda key: self._held[key].until)

    def is_outdated(self, key: str, answer: Answer) -> bool:
        return answer.is_older_than(self._fences.get(key, NO_FENCE))

    def hear(self, change: Change) -> None:
        """At once, so that no reader comes in between."""
        fence = raised(self._fences.get(change.key, NO_FENCE), change.part, change.version)
        self._fences[change.key] = fence
        self._fences.move_to_end(change.key)
        if len(self._fences) > MOST_FENCES:
            self._fences.popitem(last=False)
        held = self._held.get(change.key)
        if held is not None and held.answer.is_older_than(fence):
            self._drop(change.key)

    def clear(self) -> None:
        """The fences stay: they are true for ever."""
        self._held.clear()
        self._bytes = 0

    def _knows_newer(self, key: str, answer: Answer) -> bool:
        """It changed, or another overtook this one, while it was on its way."""
        held = self._held.get(key)
        return self.is_outdated(key, answer) or (
            held is not None and held.until > self.clock() and answer.is_older_than(held.answer.versions)
        )

    def _hold(self, key: str, kept: Kept, asked: float) -> None:
        """In its place in the order, or at the end."""
        size = _size(kept.answer)
        if size > self._most_bytes:
            self._drop(key)
            return
        if (held := self._held.get(key)) is not None:
            self._bytes -= _size(held.answer)
        self._held[key] = _Held(kept.answer, min(kept.until, self.clock() + self._seconds), asked)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._held)))

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= _size(held.answer)


def _size(answer: Answer) -> int:
    return len(answer.body) + OVERHEAD
