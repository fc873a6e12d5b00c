"""Uvicorn as a service wants it: with its own patience, and with an end that the whole process shares."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Protocol as Shape

import uvicorn
from litestar import Litestar
from litestar.types import ASGIApp

from common.http.leaving import Leaving
from common.http.outward import Outward
from common.http.protocol import Protocol
from common.metrics.http import Measured
from common.settings import Settings
from common.stopping import FOR_THE_OUTBOX, Stop


class Served(Shape):
    """What of a program is about requests."""

    @property
    def app(self) -> Litestar: ...

    @property
    def front(self) -> Callable[[ASGIApp], ASGIApp]: ...

    @property
    def on_stop(self) -> Callable[[], None]: ...


class Server(uvicorn.Server):
    """Uvicorn, with its signals left to us, and a stop that it shares with the rest of the process."""

    def __init__(self, settings: Settings, running: Served, stop: Stop | None = None) -> None:
        self.ending = stop or Stop(settings.graceful_seconds)
        app: ASGIApp = Leaving(Outward(running.front(running.app), settings), self.ending)
        if settings.metrics:
            app = Measured(app, running.app.state.metrics)
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=Protocol,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
            )
        )
        self._running = running
        self._leave_seconds = settings.leave_seconds
        self.ending.then(self._leave)

    def stop(self) -> None:
        """Again is no harm, and no hurry."""
        self.ending.begin()

    def _leave(self) -> None:
        """The port is open until whoever sends requests here has had the time to hear that it must not."""
        self._running.on_stop()
        health = self._running.app.state.health
        health.is_stopping = True
        asyncio.get_running_loop().call_later(self._leave_seconds if health.is_watched else 0, self._close)

    def _close(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Requests that are cut off come to their end here, before what they use is closed."""
        seconds = self.ending.left(but=FOR_THE_OUTBOX)
        self.config.timeout_graceful_shutdown = seconds  # type: ignore[assignment]  # it waits for any number
        await super().shutdown(sockets)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=self.ending.left(but=FOR_THE_OUTBOX / 2))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
