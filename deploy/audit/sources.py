"""Where the truth is kept, and how it is read: bounded, and told in one line when it cannot be."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import msgspec

from deploy.psp.book import Entry

Rows = list[asyncpg.Record]
Ledger = Callable[[], AsyncIterator[Sequence[Entry]]]
"""The provider's, page by page."""

LEDGER_PAGE = 5000
CONNECT_SECONDS = 5.0
QUERY_SECONDS = 60.0
"""Of the client; the server ends a statement of the auditor after 30."""

WHOLE_TABLES = {"enable_nestloop": "off", "random_page_cost": "4", "work_mem": "32MB", "jit": "off"}
"""How a statement reads all, or a window of it: each part once. How many rows lie between two UUIDs nobody
can estimate, and for one row or two a loop would seem the best."""


class Unreadable(Exception):
    """Something could not be read; says what, in one line."""


@dataclass(frozen=True)
class Sources:
    """Addresses. `nats_url`, of a user who may look at the stream, only serves histories."""

    databases: Mapping[str, str]
    ledger: Ledger
    nats_url: str | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Reader"]:
        """One connection to each database."""
        async with AsyncExitStack() as stack:
            connections = {}
            for service, url in self.databases.items():
                connections[service] = await connect(service, url)
                stack.push_async_callback(closed, connections[service])
            yield Reader(connections, self.ledger)


@dataclass(frozen=True)
class Reader:
    """Open connections."""

    connections: Mapping[str, "asyncpg.Connection[asyncpg.Record]"]
    ledger: Ledger

    async def rows(self, service: str, statement: str, *values: Any) -> Rows:
        """Raises Unreadable."""
        try:
            return await self.connections[service].fetch(statement, *values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Unreadable(f"the database of {service} cannot be read: {line(error)}") from error


async def connect(service: str, url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Raises Unreadable."""
    try:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=QUERY_SECONDS,
            server_settings={"application_name": "audit", **WHOLE_TABLES},
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise Unreadable(f"the database of {service} cannot be read: {line(error)}") from error


async def closed(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """One that hangs is not waited for."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await connection.close()
    except (TimeoutError, OSError, asyncpg.InterfaceError):
        connection.terminate()


def over_http(url: str) -> Ledger:
    """Raises Unreadable."""

    async def pages() -> AsyncIterator[Sequence[Entry]]:
        timeout = aiohttp.ClientTimeout(total=30)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                after = 0
                while page := await entries(session, f"{url}/v1/ledger?after={after}&limit={LEDGER_PAGE}"):
                    yield page
                    after += len(page)
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            raise Unreadable(f"the provider's ledger cannot be read: {line(error)}") from error

    return pages


async def entries(session: aiohttp.ClientSession, url: str) -> list[Entry]:
    async with session.get(url, raise_for_status=True) as response:
        return msgspec.json.decode(await response.read(), type=list[Entry])


def listed(known: Sequence[Entry]) -> Ledger:
    """One that was read before."""

    async def pages() -> AsyncIterator[Sequence[Entry]]:
        yield known

    return pages


def line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
