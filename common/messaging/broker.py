"""One connection to NATS that outlives every outage of the server."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import unquote, urlsplit

import nats

from common.ids import new_id
from common.messaging.measures import Measures
from common.messaging.paths import Paths
from common.messaging.wire import Wire
from common.stopping import end

log = logging.getLogger(__name__)


class Broker:
    """The client, once there is one. A service starts and accepts while the broker is away (protocol 1)."""

    def __init__(self, url: str, name: str) -> None:
        self.servers = url.split(",")
        self.name = name
        self.inbox_prefix = f"_INBOX_{name}.{new_id().hex}"
        """Of this process alone: what is meant for one replica must not reach the others."""
        self.client: Wire | None = None
        self.reconnections = 0
        self.refusals = 0
        self.paths = Paths()
        self.measures = Measures(self.paths)
        self._connected = asyncio.Event()
        self._lost: list[Callable[[], None]] = []

    @property
    def up(self) -> bool:
        return self.client is not None and self.client.is_connected

    async def answers(self) -> dict[str, int] | None:
        """The readiness probe; shows how often the broker refused what this process has no right to."""
        if not self.up:
            raise ConnectionError
        return {"refused": self.refusals} if self.refusals else None

    async def ready(self) -> Wire:
        """Waits until the connection stands."""
        await self._connected.wait()
        assert self.client is not None
        return self.client

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """What was outstanding at the server is gone after a reconnection."""
        self._lost.append(callback)

    async def keep_connected(self) -> None:
        """Connects, for as long as it takes; from then on nats-py reconnects by itself for ever.

        To any server of a cluster, also one that it hears of later; such an address comes without a password.
        """
        known = urlsplit(self.servers[0])
        while self.client is None:
            client = Wire()
            try:
                await client.connect(
                    self.servers,
                    user=known.username and unquote(known.username),
                    password=known.password and unquote(known.password),
                    name=self.name,
                    inbox_prefix=self.inbox_prefix,
                    connect_timeout=2,
                    reconnect_time_wait=0.5,  # type: ignore[arg-type]  # as sleep takes it
                    max_reconnect_attempts=-1,
                    ping_interval=10,
                    max_outstanding_pings=2,
                    pending_size=-1,
                    skip_subject_validation=True,
                    error_cb=self._on_error,
                    disconnected_cb=self._on_disconnected,
                    reconnected_cb=self._on_reconnected,
                    closed_cb=self._on_closed,
                )
                self.client = client
            except (OSError, nats.errors.Error) as error:
                log.warning("NATS is away (%s); trying again", error or type(error).__name__)
                await asyncio.sleep(0.5)
            finally:
                if self.client is None:
                    client.hang_up()
        self._connected.set()

    async def _on_error(self, error: Exception) -> None:
        """A missing right shows nowhere else: an ack is silent, a publish looks like a timeout."""
        if "permissions violation" in str(error).lower():
            self.refusals += 1
            log.error("NATS refuses: %s", error)
        else:
            log.warning("NATS: %s", error or type(error).__name__)

    async def _on_disconnected(self) -> None:
        self._connected.clear()

    async def _on_reconnected(self) -> None:
        self.reconnections += 1
        self._connected.set()
        for callback in self._lost:
            callback()

    async def _on_closed(self) -> None:
        """nats-py closes for good on an unknown -ERR (J14): only a new process helps."""
        if self.client is not None and not self._closing:
            log.critical("NATS closed the connection for good; leaving, to be restarted")
            os._exit(1)

    _closing = False

    async def close(self) -> None:
        """Within a second, also when the server reads no more."""
        self._closing = True
        if self.client is not None:
            with suppress(nats.errors.Error, TimeoutError, OSError):
                async with asyncio.timeout(0.5):
                    await self.client.flush()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self.client.close()


@asynccontextmanager
async def broker(url: str, name: str) -> AsyncIterator[Broker]:
    """Connecting goes on in the background; leaving flushes what was published."""
    connection = Broker(url, name)
    connecting = asyncio.ensure_future(connection.keep_connected())
    try:
        yield connection
    finally:
        await end([connecting])
        await connection.close()
