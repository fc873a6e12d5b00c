"""`python -m <service> [--role api|worker|all]`: the front door of every service."""

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from litestar import Litestar
from litestar.types import ASGIApp

from common import __version__
from common.failpoints import Armed, arm
from common.http.outward import Outward
from common.http.protocol import Protocol
from common.messaging.answers import Endpoint
from common.messaging.broker import Broker
from common.messaging.consumer import Consumer
from common.messaging.incarnation import watch_incarnation
from common.messaging.services import Identity, Service
from common.messaging.transactional import Again, again
from common.messaging.workbench import Workbench, forget_letters
from common.postgres.partitions import keep_partitions
from common.runtime import Runtime
from common.settings import Settings, load
from common.telemetry import configure_logging

log = logging.getLogger(__name__)

Loop = Callable[[], Coroutine[Any, Any, None]]
"""Runs until cancelled."""


class Role(StrEnum):
    """One process may do both; replicas of either may be added apart."""

    API = "api"
    WORKER = "worker"
    ALL = "all"

    @property
    def serves(self) -> bool:
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        return self is not Role.API


@dataclass(frozen=True)
class Program:
    """What a process runs: an application (at least its health), consumers, answers, and loops."""

    app: Litestar
    runtime: Runtime | None = None
    broker: Broker | None = None
    """The runtime's, where there is one."""
    consumers: Sequence[Consumer] = ()
    answers: Sequence[Endpoint] = ()
    letters: Mapping[str, Again] = field(default_factory=dict)
    """How dead letters of durables that are consumed elsewhere are handled again."""
    loops: Sequence[Loop] = ()
    front: Callable[[ASGIApp], ASGIApp] = lambda app: app
    """Looks at requests before the application does."""
    on_stop: Callable[[], None] = lambda: None
    """Called first at a stop, to end what would keep connections open."""


S = TypeVar("S", bound=Settings)


Opener = Callable[[S, Role], AbstractAsyncContextManager[Program]]


def main(kind: type[S], program: Opener[S]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--role", type=Role, choices=list(Role), default=Role.ALL)
    role = parser.parse_args().role
    settings = load(kind)
    configure_logging(settings.service, settings.log_level)
    if settings.failpoint:
        arm(Armed(settings.failpoint, Path(settings.failpoint_budget), settings.failpoint_chance))
    with asyncio.Runner(loop_factory=_event_loop()) as runner:
        runner.run(_run(settings, role, program))


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415  # not there on Windows
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _run(settings: S, role: Role, program: Opener[S]) -> None:
    async with program(settings, role) as running:
        server = Server(settings, running)
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, server.stop)
        await run(server, settings, running, role)


async def run(server: "Server", settings: Settings, running: Program, role: Role) -> None:
    """Runs until `server.stop()`, then stops in order.

    Streams end, HTTP drains, questions are answered, batches finish, the outbox is published; the opener then
    closes connections.
    """
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(consumer.run(settings.concurrency)) for consumer in running.consumers]
        looping = [tasks.create_task(loop()) for loop in (*running.loops, *_housekeeping(running.runtime))]
        service = _service(settings, running, role)
        answering = tasks.create_task(service.run())
        await server.serve()
        await _finish(service, settings.graceful_seconds)
        for consumer in running.consumers:
            await consumer.stop()
        if working:
            await asyncio.wait(working, timeout=settings.graceful_seconds)
        if running.runtime:
            await _drain(running.runtime, 2.0)
        for task in (*working, *looping, answering):
            task.cancel()


def _service(settings: Settings, running: Program, role: Role) -> Service:
    """As which the process can be found and asked over NATS."""
    broker = running.runtime.broker if running.runtime else running.broker
    assert broker is not None, "every process has a connection to the broker"
    identity = Identity(
        service=settings.service,
        version=__version__,
        description=(import_module(settings.service).__doc__ or "").splitlines()[0],
        role=role,
        replica=f"{socket.gethostname()}:{settings.port}",
    )
    answers = [*running.answers, *_workbench(settings.service, running)]
    return Service(broker, identity, running.app.state.health.report, answers)


def _workbench(service: str, running: Program) -> list[Endpoint]:
    """Where the consumers are: only they can handle a dead letter again."""
    if running.runtime is None or not running.consumers:
        return []
    known = {consumer.durable: again(consumer.work) for consumer in running.consumers}
    return Workbench(running.runtime.db, service, {**known, **running.letters}).endpoints()


async def _finish(service: Service, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await service.stop()


def _housekeeping(runtime: Runtime | None) -> list[Loop]:
    """What every process that writes an outbox keeps going, whatever its role."""
    if runtime is None:
        return []
    return [
        runtime.relay.run,
        lambda: keep_partitions(runtime.db),
        lambda: watch_incarnation(runtime.db, runtime.broker),
        lambda: forget_letters(runtime.db, runtime.keep_letters_days),
    ]


async def _drain(runtime: Runtime, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await runtime.relay.drained()
    except TimeoutError:
        log.warning("the outbox is not drained; whoever runs next goes on")


class Server(uvicorn.Server):
    """Uvicorn, with its signals left to us."""

    def __init__(self, settings: Settings, running: Program) -> None:
        super().__init__(
            uvicorn.Config(
                Outward(running.front(running.app), settings),
                host=settings.host,
                port=settings.port,
                http=Protocol,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=int(settings.graceful_seconds),
            )
        )
        self._running = running

    def stop(self) -> None:
        self.should_exit = True
        self._running.on_stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
