"""A pool and its transactions, straight on asyncpg: every hot statement is one prepared round trip."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, cast

import asyncpg
import msgspec

from common.postgres.outage import DatabaseAway, Outage
from common.postgres.traced import traced

__all__ = ["OVERTAXED", "UNAVAILABLE", "Database", "DatabaseAway", "Row", "Transaction", "columns"]

log = logging.getLogger(__name__)

OVERTAXED = (
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""Too much at once, for the server or for this process: less, or the same again, may succeed."""

UNAVAILABLE = (
    *OVERTAXED,
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,
)
"""The database cannot serve anybody now; whether the last commit happened is unknown."""

UNREACHED = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)
"""What an attempt to connect ends with when there is nobody to connect to."""

CONNECT_SECONDS = 3.0
LOOK_SECONDS = 2.0
CLOSE_SECONDS = 0.8

Row = asyncpg.Record


class _Connection(asyncpg.Connection):
    """Spares the reset round trip at every release: nothing here changes the session's state.

    But a statement that was prepared and not executed, as when its task is cancelled between the two, is not
    over for the server: its time runs on, and ends whatever statement comes next.
    """

    is_midway = False
    """At its release the server is told that nothing more will come."""

    def itself(self) -> Self:
        """Not the pool's proxy, which knows nothing once the connection is closed."""
        return self

    def get_reset_query(self) -> str:
        is_midway, self.is_midway = self.is_midway, False
        return "SELECT" if is_midway else ""


class Transaction:
    """One open transaction. Handlers and repositories are lent it; only its opener ends it."""

    __slots__ = ("_after_commit", "connection")

    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy[Row]") -> None:
        self.connection = connection
        self._after_commit: list[Callable[[], None]] = []

    async def fetch(self, statement: str, *values: Any) -> list[Row]:
        return await self.connection.fetch(statement, *values)

    async def row(self, statement: str, *values: Any) -> Row | None:
        return await self.connection.fetchrow(statement, *values)

    async def value(self, statement: str, *values: Any) -> Any:
        return await self.connection.fetchval(statement, *values)

    async def execute(self, statement: str, *values: Any) -> str:
        return await self.connection.execute(statement, *values)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Runs only if, and right after, the commit succeeded; must not block. A crash may skip it."""
        self._after_commit.append(callback)

    def committed(self) -> None:
        for callback in self._after_commit:
            callback()


class Database:
    """A service's own database, under its runtime role."""

    def __init__(self, pool: "asyncpg.Pool[Row]", url: str) -> None:
        self.pool = pool
        self.url = url
        self.outage = Outage(self._look)
        self._watching = asyncio.Lock()
        self.waiting = 0
        """For a connection, now."""
        self.timeouts = 0

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, *, size: int, name: str) -> AsyncIterator[Self]:
        """Opens lazily: a service starts, and says so in its readiness, while its database is away."""
        pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=size,
            timeout=CONNECT_SECONDS,
            command_timeout=10,
            connection_class=_Connection,
            init=_prepare,
            server_settings={"application_name": name, "jit": "off"},
        )
        db = cls(await pool, url)
        try:
            yield db
        finally:
            await db._close()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Commits on leaving, rolls back on an exception; then the after-commit callbacks run."""
        async with self._connection() as connection:
            tx = Transaction(connection)
            async with connection.transaction():
                yield tx
        tx.committed()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """For a single statement that needs no transaction of its own; saves two round trips."""
        async with self._connection() as connection:
            yield Transaction(connection)

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Transaction]:
        """`read`, one at a time: whoever asks every second how things are needs one connection for it."""
        async with self._watching, self.read() as tx:
            yield tx

    async def answers(self) -> None:
        """The readiness probe; waits for nothing but other probes."""
        if self.outage.is_known:
            raise DatabaseAway("the database is away")
        async with self.watch() as tx:
            await tx.value("SELECT 1")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator["asyncpg.pool.PoolConnectionProxy[Row]"]:
        connection = await self._acquired()
        own = cast("_Connection", connection).itself()
        try:
            with traced(connection):
                yield connection
        except asyncpg.InternalClientError:
            connection.terminate()  # the driver has lost its place, as when a server says goodbye unasked
            raise
        except BaseException as error:
            own.is_midway = True
            if isinstance(error, asyncpg.PostgresError):
                _forget_values(error)
            elif isinstance(error, TimeoutError):
                self.outage.suspect()
            raise
        finally:
            await self.pool.release(connection, timeout=LOOK_SECONDS)

    async def _acquired(self) -> "asyncpg.pool.PoolConnectionProxy[Row]":
        """Sits out an outage that is short, and asks in vain in none that lasts. Raises DatabaseAway."""
        patient_until = time.monotonic() + self.outage.patience
        while True:
            await self.outage.over()
            self.waiting += 1
            try:
                return await self.pool.acquire(timeout=5)
            except TimeoutError as error:
                self.timeouts += 1
                self.outage.suspect()
                raise DatabaseAway("no connection within 5 s") from error
            except UNREACHED as error:
                self.outage.begin()
                if time.monotonic() > patient_until:
                    raise DatabaseAway("the database is away") from error
            finally:
                self.waiting -= 1

    async def _look(self) -> None:
        """On a connection of its own: those of the pool may all be waiting for an answer.

        A server that has no room for one more is there.
        """
        try:
            connection = await asyncpg.connect(self.url, timeout=LOOK_SECONDS)
        except asyncpg.TooManyConnectionsError:
            return
        connection.terminate()

    async def _close(self) -> None:
        """Whoever holds a connection now is not waited for long."""
        await self.outage.aclose()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.pool.close()
        except (TimeoutError, *UNAVAILABLE) as error:
            log.warning("connections to the database are cut off: %r", error)
            self.pool.terminate()


def _forget_values(error: asyncpg.PostgresError) -> None:
    """An error is logged, or kept with a dead letter: neither may quote a row or a parameter."""
    error.detail = None
    if isinstance(error, asyncpg.DataError):
        error.args = (str(error.args[0]).partition(":")[0],)


async def _prepare(connection: "asyncpg.Connection[Row]") -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda raw: msgspec.json.decode(raw[1:]),
    )


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into the arrays that `unnest` takes: one statement however many rows."""
    turned: list[list[Any]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(turned, row, strict=True):
            column.append(value)
    return turned
