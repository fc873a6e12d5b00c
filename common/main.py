"""`python -m <service> [--role api|worker|all]`: the front door of every service."""

import argparse
import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from litestar import Litestar
from litestar.types import ASGIApp

from common import __version__, garbage
from common.failpoints import Armed, arm
from common.files import open_many
from common.http.measuring import measure
from common.http.server import Server
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
from common.stopping import FOR_THE_OUTBOX, Stop, end, leave, on_signals
from common.telemetry.telling import tell
from common.telemetry.who import Who

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
    finishing: Sequence[Loop] = ()
    """Loops that end by themselves after `on_stop`, when what they have in hand is done."""
    front: Callable[[ASGIApp], ASGIApp] = lambda app: app
    """Looks at requests before the application does."""
    on_stop: Callable[[], None] = lambda: None
    """Called first at a stop, to end what would keep connections open, and to begin nothing more."""


S = TypeVar("S", bound=Settings)


Opener = Callable[[S, Role], AbstractAsyncContextManager[Program]]


def main(kind: type[S], program: Opener[S]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--role", type=Role, choices=list(Role), default=Role.ALL)
    role = parser.parse_args().role
    settings = load(kind)
    end_telling = tell(settings, Who(settings.service, __version__, replica(settings)))
    open_many()
    if settings.failpoint:
        arm(Armed(settings.failpoint, Path(settings.failpoint_budget), settings.failpoint_chance))
    with asyncio.Runner(loop_factory=_event_loop()) as runner:
        runner.run(_run(settings, role, program))
    end_telling()
    leave()


def _event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415  # not there on Windows
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _run(settings: S, role: Role, program: Opener[S]) -> None:
    stop = Stop(settings.graceful_seconds)
    on_signals(stop)
    async with program(settings, role) as running:
        garbage.spare()
        await run(Server(settings, running, stop), settings, running, role)


async def run(server: Server, settings: Settings, running: Program, role: Role) -> None:
    """Runs until `server.stop()`, then stops by one deadline that everything shares.

    At once: readiness says no, streams end, nothing new is fetched or asked. Beside each other: HTTP drains,
    batches finish, questions are answered. Then the outbox is published; the opener closes connections. What
    is not done by then is left to be redone.
    """
    db = running.runtime.db if running.runtime else None
    process = measure(running.app, settings, role, _broker(running), db)
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(consumer.run(settings.concurrency)) for consumer in running.consumers]
        working += [tasks.create_task(loop()) for loop in running.finishing]
        loops = [*running.loops, *_housekeeping(running.runtime), process.beat]
        looping = [tasks.create_task(loop()) for loop in loops]
        service = _service(settings, running, role)
        answering = tasks.create_task(service.run())
        finishing = tasks.create_task(_finish(server.ending, running, service, working))
        await server.serve()
        server.stop()  # if it ended by itself
        await finishing
        if running.runtime:
            await _drain(running.runtime, server.ending.left())
        await end((*working, *looping, answering))


async def _finish(
    stop: Stop, running: Program, service: Service, working: Sequence["asyncio.Task[None]"]
) -> None:
    await stop.begun()
    stopping = [asyncio.ensure_future(service.stop())]
    stopping += [asyncio.ensure_future(consumer.stop()) for consumer in running.consumers]
    done, late = await asyncio.wait({*stopping, *working}, timeout=stop.left(but=FOR_THE_OUTBOX))
    for each in late:
        log.warning("cut off by the stop, to be redone: %s", getattr(each.get_coro(), "__qualname__", each))
        each.cancel()
    for each in done.intersection(stopping):
        if error := each.exception():
            log.error("stopping", exc_info=error)


def _service(settings: Settings, running: Program, role: Role) -> Service:
    """As which the process can be found and asked over NATS."""
    identity = Identity(
        service=settings.service,
        version=__version__,
        description=(import_module(settings.service).__doc__ or "").splitlines()[0],
        role=role,
        replica=replica(settings),
    )
    answers = [*running.answers, *_workbench(settings.service, running)]
    return Service(_broker(running), identity, running.app.state.health.report, answers)


def _broker(running: Program) -> Broker:
    broker = running.runtime.broker if running.runtime else running.broker
    assert broker is not None, "every process has a connection to the broker"
    return broker


def replica(settings: Settings) -> str:
    return f"{socket.gethostname()}:{settings.port}"


def _workbench(service: str, running: Program) -> list[Endpoint]:
    """Where the consumers are: only they can handle a dead letter again."""
    if running.runtime is None or not running.consumers:
        return []
    known = {consumer.durable: again(consumer.work) for consumer in running.consumers}
    return Workbench(running.runtime.db, service, {**known, **running.letters}).endpoints()


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
    """Without the broker there is nothing to wait for."""
    try:
        async with asyncio.timeout(seconds if runtime.broker.up else 0):
            await runtime.relay.finished()
    except TimeoutError:
        log.warning("the outbox is not drained; whoever runs next goes on")
