"""A connection that was reset a moment ago, of which only the loop knows: an outage, and no fault of ours."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from common.postgres.database import UNAVAILABLE, Database
from common.redis import LOST, Bell
from tests.servers import Servers


def as_in_production(coroutine: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(coroutine)


@pytest.mark.usefixtures("patient")
def test_redis_is_lost_and_then_found_again(servers: Servers) -> None:
    async def ring() -> None:
        bell = Bell(servers.redis_url, "test", cluster=False)
        await bell.ring(b"before")
        [node] = bell._nodes.values()
        [connection] = node.connection_pool._available_connections
        assert connection._writer
        connection._writer.transport.abort()
        with pytest.raises(LOST):
            await bell.ring(b"at once")
        await bell.ring(b"after")
        await bell.aclose()

    as_in_production(ring())


def test_the_database_is_away_and_then_back(database: Callable[[str], str]) -> None:
    async def ask() -> None:
        async with Database.connect(database("order"), size=1, name="test") as db:
            with pytest.raises(UNAVAILABLE):
                await asked_over_a_dead_connection(db)
            async with db.read() as tx:
                assert await tx.value("SELECT 1") == 1

    as_in_production(ask())


async def asked_over_a_dead_connection(db: Database) -> None:
    async with db.begin() as tx:
        tx.connection._con._transport.abort()  # type: ignore[attr-defined]
        await tx.value("SELECT 1")
