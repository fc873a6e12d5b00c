"""Where the code of a stream waits: instead of a database, a socket and a clock."""

from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from common.postgres.database import Database, Transaction
from purchase.followers import Follower

ASKING, ASKED, SENDING, IDLE, ENDED = "asking", "asked", "sending", "idle", "ended"


class Pause(NamedTuple):
    """Where a coroutine waits, and for what."""

    where: str
    what: Any = None

    def __await__(self) -> Generator["Pause", Any, Any]:
        return (yield self)


class Snapshot(Transaction):
    """A reader: it asks, the database takes its snapshot, and the answer comes later still."""

    def __init__(self) -> None:
        pass

    async def fetch(self, statement: str, *values: Any) -> Any:
        return list(await Pause(ASKING, (statement, values)))

    async def row(self, statement: str, *values: Any) -> Any:
        return next(iter(await self.fetch(statement, *values)), None)

    async def value(self, statement: str, *values: Any) -> Any:
        return await self.row(statement, *values)


class Reader(Database):
    def __init__(self) -> None:
        pass

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        yield Snapshot()


async def woken(follower: Follower) -> None:
    """Whoever drives says when."""
    await Pause(IDLE)
    follower._is_woken = False
