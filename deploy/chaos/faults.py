"""What can be done to a shop. Each notes itself on the timeline, with whom it keeps from working."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import nats
import psutil

from common.messaging.streams import STREAM
from deploy.chaos.arena import Arena, Impossible
from deploy.chaos.links import Link
from deploy.chaos.wipes import wipe
from deploy.embedded import leftovers
from deploy.embedded.layout import SERVICES

EVERYTHING = "everything"
READY_SECONDS = 60.0


def touched(name: str) -> str:
    """`order-2` is of order; supervisord's names are the timeline's."""
    return name.rsplit("-", 1)[0] if name[-1].isdigit() else name


async def kill(arena: Arena, *names: str) -> None:
    """SIGKILL, all at once; the supervisor brings them back."""
    arena.timeline.note(f"kill -9 {' '.join(names)}", [touched(name) for name in names])
    for name in names:
        _kill_tree(arena.stack.pid(name))


def _kill_tree(pid: int) -> None:
    """With the children: half of a Postgres is a fault of its own."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.kill()


async def kill_everything(arena: Arena) -> None:
    """Every process but the supervisor, in one breath."""
    arena.timeline.note("kill -9 everything", [EVERYTHING])
    for each in leftovers.marked(arena.stack.home):
        if each.name != leftovers.SUPERVISOR:
            with suppress(psutil.NoSuchProcess):
                each.process.kill()


async def ready(arena: Arena, names: Iterable[str]) -> None:
    """Waits until they serve again."""
    for name in names:
        await asyncio.to_thread(arena.stack.wait_ready, name, READY_SECONDS)


@asynccontextmanager
async def paused(arena: Arena, *names: str) -> AsyncIterator[None]:
    """SIGSTOP: it keeps its locks, its connections and what it believes, and misses what happens."""
    pids = [pid for name in names for pid in _tree(arena.stack.pid(name))]
    async with arena.timeline.lasting(f"SIGSTOP {' '.join(names)}", [touched(name) for name in names]):
        _signal(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pids, signal.SIGCONT)


def _tree(pid: int) -> list[int]:
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def _signal(pids: Iterable[int], which: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, which)


@asynccontextmanager
async def away(arena: Arena, *names: str) -> AsyncIterator[None]:
    """Stopped, and not brought back before the end."""
    async with arena.timeline.lasting(f"{' '.join(names)} away", [touched(name) for name in names]):
        await asyncio.gather(*(asyncio.to_thread(arena.stack.stop_process, name) for name in names))
        try:
            yield
        finally:
            await asyncio.gather(
                *(asyncio.to_thread(arena.stack.start_process, name, READY_SECONDS) for name in names)
            )


@contextmanager
def _restored(links: Iterable[Link]) -> Iterator[None]:
    try:
        yield
    finally:
        for link in links:
            link.mend()


@asynccontextmanager
async def weather(arena: Arena, what: str, links: list[Link], *, delay: float = 0.2) -> AsyncIterator[None]:
    """`cut`, `frozen` or `slow` wires, until the end."""
    names = {name for link in links for name in (link.service, link.server)}
    where = (
        links[0].name
        if len(links) == 1
        else f"{len(links)} wires of {', '.join(sorted(names & {*SERVICES}))}"
    )
    services = {link.service for link in links}
    async with arena.timeline.lasting(f"{what}: {where}", services):
        with _restored(links):
            for link in links:
                match what:
                    case "cut":
                        link.cut()
                    case "frozen":
                        link.freeze()
                    case "slow":
                        link.delay = delay
            yield


def torn(arena: Arena, links: list[Link]) -> None:
    """Every connection is reset, in the middle of whatever is being said."""
    what = links[0].name if len(links) == 1 else f"{len(links)} wires"
    arena.timeline.note(f"reset: {what}", {link.service for link in links})
    for link in links:
        link.tear()


async def wipe_broker(arena: Arena) -> None:
    """The stream, its consumers and what they had acknowledged are gone (P16)."""
    async with arena.timeline.lasting("the broker loses its disk", ["nats"]):
        await asyncio.to_thread(wipe, arena.stack)


async def stream_leader(arena: Arena) -> str:
    """The server that orders the stream's messages; servers are named like their processes."""
    client = await nats.connect(arena.stack.nats_url.split(","))
    try:
        cluster = (await client.jetstream().stream_info(STREAM)).cluster
        assert cluster
        assert cluster.leader
        return cluster.leader
    finally:
        await client.close()


@asynccontextmanager
async def disk_full(arena: Arena, server: str) -> AsyncIterator[None]:
    """Not a byte is left on the server's own small disk, until the end."""
    ballast = arena.disk / "ballast"
    async with arena.timeline.lasting(f"the disk of {server} is full", [server]):
        await asyncio.to_thread(_fill, ballast)
        try:
            yield
        finally:
            ballast.unlink()


@asynccontextmanager
async def slow_disk(arena: Arena, server: str, *, seconds: float) -> AsyncIterator[None]:
    """Every wait of the server for its disk takes so much longer. Raises Impossible."""
    if shutil.which("strace") is None:
        raise Impossible("strace is not installed")
    pids = [f"--attach={pid}" for pid in _tree(arena.stack.pid(server))]
    waits = "fsync,fdatasync,pwrite64" if server == "nats" else "fsync,fdatasync"
    inject = [f"--trace={waits}", f"--inject={waits}:delay_enter={int(seconds * 1e6)}"]
    what = f"the disk of {server} takes {1000 * seconds:.0f} ms longer"
    async with arena.timeline.lasting(what, [server]):
        tracer = await asyncio.create_subprocess_exec(
            "strace", "--follow-forks", "--output=/dev/null", *inject, *pids, stderr=asyncio.subprocess.PIPE
        )
        try:
            yield
        finally:
            if tracer.returncode is None:
                tracer.terminate()
            _, said = await tracer.communicate()
    if tracer.returncode == 1:
        raise Impossible(f"strace: {said.decode().strip()[-200:]}")


@asynccontextmanager
async def no_more_files(arena: Arena, *names: str) -> AsyncIterator[None]:
    """The processes may open nothing beyond what they have open. Raises Impossible off Linux."""
    if not hasattr(psutil, "RLIMIT_NOFILE"):
        raise Impossible("only Linux changes the limits of a process that runs")
    limits = {}
    async with arena.timeline.lasting(f"no file descriptor left: {' '.join(names)}", map(touched, names)):
        for name in names:
            process = psutil.Process(arena.stack.pid(name))
            limits[process] = process.rlimit(psutil.RLIMIT_NOFILE)
            process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds(), limits[process][1]))
        try:
            yield
        finally:
            for process, limit in limits.items():
                with suppress(psutil.NoSuchProcess):
                    process.rlimit(psutil.RLIMIT_NOFILE, limit)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
