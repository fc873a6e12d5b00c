"""The pool, where the driver and the server disagree."""

from collections.abc import Callable

import asyncpg
import pytest

from common.postgres.database import UNAVAILABLE, Database


async def backend(db: Database) -> int:
    async with db.read() as tx:
        pid: int = await tx.value("SELECT pg_backend_pid()")
        return pid


async def test_a_connection_that_lost_its_place_is_not_used_again(
    database: Callable[[str], str],
) -> None:
    async with Database.connect(database("order"), size=1, name="test") as db:
        before = await backend(db)
        assert await backend(db) == before, "connections are kept"
        with pytest.raises(UNAVAILABLE):
            async with db.read():
                raise asyncpg.InternalClientError("cannot switch to state 11")
        assert await backend(db) != before
