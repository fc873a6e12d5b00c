"""Signs of life on streams that have nothing to say, so that nobody in between takes them for dead."""

import asyncio
from itertools import cycle
from typing import Protocol

SECONDS = 15
"""Between two signs on a stream; proxies give up after a minute of silence."""
TICKS = 10
"""Of a second: of ten thousand streams some sixty have their turn together, so nobody waits for all."""


class Alive(Protocol):
    def beat(self, sign: bytes) -> None:
        """Must not block."""


class Pulse:
    """One timer for all streams: a wheel, on which each has its place. None is woken for it."""

    def __init__(self, sign: bytes) -> None:
        self._sign = sign
        self._wheel: list[set[Alive]] = [set() for _ in range(SECONDS * TICKS)]
        self._places = cycle(self._wheel)

    def place(self) -> set[Alive]:
        """For one more, who adds itself, and discards itself at its end."""
        return next(self._places)

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            for place in self._wheel:
                await asyncio.sleep(1 / TICKS)
                for each in place:
                    each.beat(self._sign)
