"""Spares the calls that are hopeless: a destination that is known to be away is left alone for a while.

Only who calls knows that it is: no connection, no answer, a 5xx. Whatever the destination says to somebody's
wrong input is an answer, and shows that it lives.
"""

import time
from collections.abc import Callable

REST_SECONDS = 2.0
"""Between two probes of a destination that is away."""


class Open(Exception):
    """Nobody asks this destination now: it is away."""


class Breaker:
    """Of one destination, in one process. Open, it admits one call at a time, as a probe."""

    def __init__(self, *, rest: float = REST_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._next_probe: float | None = None

    @property
    def is_open(self) -> bool:
        return self._next_probe is not None

    def admits(self) -> bool:
        """Whether to call now. A probe that never comes back is followed by another after the rest."""
        if self._next_probe is None:
            return True
        now = self._clock()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._rest
        return True

    def succeeded(self) -> None:
        self._next_probe = None

    def failed(self) -> None:
        self._next_probe = self._clock() + self._rest

    async def closed(self) -> None:
        """For /readyz. Raises Open."""
        if self.is_open:
            raise Open
