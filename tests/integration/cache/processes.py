"""What a process has of a cache, as often as a test needs processes; and Redis in its moods."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.cache.cache import Cache
from common.cache.changes import Changes, Heard
from common.cache.counts import Counts
from common.cache.memory import Memory
from common.cache.model import Answer, Change
from common.cache.store import Store
from common.ids import new_id
from common.redis import Bell

MIB = 1024**2


class Table:
    """A row and who reads it: counts the reads, and lets a test come in between read and answer."""

    def __init__(self, version: int = 1, *, seconds: float = 30.0) -> None:
        self.version = version
        self.seconds = seconds
        self.reads = 0
        self.held: asyncio.Event | None = None
        """Somebody has read and does not answer before this is set."""
        self.read = asyncio.Event()

    async def load(self) -> Answer | None:
        self.reads += 1
        seen = Answer(
            b"v%d" % self.version, versions=(self.version,), seconds=self.seconds, mark=(self.version,)
        )
        self.read.set()
        await asyncio.sleep(0.001)
        if self.held is not None:
            await self.held.wait()
        return seen


class Process:
    """One of several that share Redis."""

    def __init__(
        self, url: str, space: str, *, cluster: bool = False, mib: int = 0, seconds: float = 30.0
    ) -> None:
        self.store = Store(url, cluster=cluster, space=space, fence_seconds=60)
        self.memory = Memory(most_bytes=mib * MIB, seconds=seconds)
        self.counts = Counts()
        self.cache = Cache(self.store, self.memory, self.counts, coalesced=True)
        self.bell = Bell(url, f"{space}:changes", cluster=cluster)
        self.changes = Changes(self.store, self.bell, lambda _: Heard([]), self.memory)

    async def read(self, table: Table, key: str = "a") -> bytes:
        answer = await self.cache.read(key, table.load)
        assert answer is not None
        return answer.body

    async def fence(self, version: int, key: str = "a") -> None:
        """What the consumer does first."""
        await self.store.raise_fences([Change(key, 0, version)])

    async def aclose(self) -> None:
        await self.store.aclose()
        await self.bell.aclose()


def new_space() -> str:
    """Nobody else's keys, and within the rights of product."""
    return f"product:{new_id()}"


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Accepts, and never says a word: a frozen Redis, as its clients see it."""

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"redis://product:x@127.0.0.1:{port}/0"
    finally:
        server.close()
