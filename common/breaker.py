"""Spares the calls that are hopeless: a destination that failed again and again is left alone for a while.

Only who calls knows what a failure is: no connection, no answer, a 5xx. Whatever the destination says to
somebody's wrong input is an answer, and shows that it lives.
"""

import time
from collections.abc import Callable

FAILURES = 5
"""In a row, before it opens."""
REST_SECONDS = 2.0
"""Between two probes of a destination that is away."""


class Open(Exception):
    """Nobody asks this destination now; as the state of a dependency, that it is away."""


class Breaker:
    """Of one destination, in one process. Closed, it costs nothing; open, one call at a time probes."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        rest: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= self._most

    def admits(self) -> bool:
        """Whether to call now. A probe that never comes back is followed by another after the rest."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._rest
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self.is_open:
            self._next_probe = self._clock() + self._rest

    async def closed(self) -> None:
        """For /readyz. Raises Open."""
        if self.is_open:
            raise Open
