"""Whether the database's server is there, as one look finds out for everybody who would ask in vain.

A short outage (a restart, a failover) is waited for; once it has lasted, everybody is told at once.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

BLIP_SECONDS = 2.0
"""An outage that is over by then costs whoever asks a wait, and no error."""
AGAIN_SECONDS = 0.2


class DatabaseAway(OSError):
    """No connection could be had in time."""


class Outage:
    """Begins with a failure, ends when `look` succeeds. `look` has an end of its own, and raises."""

    def __init__(self, look: Callable[[], Awaitable[None]], *, patience: float = BLIP_SECONDS) -> None:
        self.patience = patience
        self._look = look
        self._since: float | None = None
        self._over = asyncio.Event()
        self._over.set()
        self._looking: asyncio.Task[None] | None = None
        self._is_told = False

    @property
    def is_known(self) -> bool:
        return self._since is not None

    def begin(self) -> None:
        """Somebody has tried, and could not connect."""
        if self._since is None:
            self._since = time.monotonic()
            self._over.clear()
        self.suspect()

    def suspect(self) -> None:
        """Something failed that may have another cause: nobody waits until a look has failed, too."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look_until_over())

    async def over(self) -> None:
        """Returns at once when there is none, or as soon as it is over. Raises DatabaseAway when it lasts."""
        if self._since is None:
            return
        left = self._since + self.patience - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left)):
                await self._over.wait()
        except TimeoutError as error:
            raise DatabaseAway("the database is away") from error

    async def aclose(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    async def _look_until_over(self) -> None:
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:  # noqa: BLE001  # whatever it is, there is no connection
                    self._lasts(error)
                    await asyncio.sleep(AGAIN_SECONDS)
                else:
                    self._is_told, self._since = False, None
                    self._over.set()
                    return
        finally:
            self._looking = None

    def _lasts(self, error: Exception) -> None:
        if not self._is_told:
            log.warning("the database is away: %r", error)
        self._is_told = True
        self._since = self._since or time.monotonic()
        self._over.clear()
