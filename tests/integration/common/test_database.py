"""The pool, where the driver and the server disagree."""

import asyncio
from collections.abc import Callable
from traceback import format_exception

import asyncpg
import pytest

from common.postgres.database import UNAVAILABLE, Database, DatabaseAway
from tests.servers import Servers


async def backend(db: Database) -> int:
    async with db.read() as tx:
        pid: int = await tx.value("SELECT pg_backend_pid()")
        return pid


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("INSERT INTO suspect (message_id, attempts) VALUES ($1, NULL)", ["canary"]),
        ("INSERT INTO suspect (message_id, attempts) VALUES ($1, 1), ($1, 1)", ["canary"]),
        ("SELECT $1::text::uuid", ["canary"]),
        ("SELECT $1::bigint", ["canary"]),
    ],
)
async def test_an_error_quotes_no_value(
    database: Callable[[str], str], statement: str, values: list[object]
) -> None:
    async with Database.connect(database("order"), size=1, name="test") as db, db.read() as tx:
        with pytest.raises(asyncpg.PostgresError, match="canary"):
            await tx.fetch(statement, *values)
    with pytest.raises(asyncpg.PostgresError) as raised:
        async with Database.connect(database("order"), size=1, name="test") as db, db.begin() as tx:
            await tx.fetch(statement, *values)
    assert "canary" not in "".join(format_exception(raised.value))


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


async def prepare_only(db: Database, end: type[BaseException]) -> None:
    async with db.read() as tx:
        await tx.connection.prepare("SELECT 1")
        raise end


@pytest.mark.parametrize("end", [ValueError, asyncio.CancelledError])
async def test_what_was_prepared_and_not_executed_takes_no_time_of_whoever_comes_next(
    database: Callable[[str], str], end: type[BaseException]
) -> None:
    url = database("order")
    async with (
        Database.connect(url, size=1, name="test") as db,
        Database.connect(url, size=1, name="t") as other,
    ):
        pid = await backend(db)
        with pytest.raises(end):
            await prepare_only(db, end)
        async with other.read() as tx:
            state = await tx.value("SELECT state FROM pg_stat_activity WHERE pid = $1", pid)
        assert state == "idle", "its statement_timeout runs while it is active"
        assert await backend(db) == pid, "the connection is kept"


async def test_a_short_outage_is_waited_for_and_one_that_lasts_told_at_once(
    database: Callable[[str], str], servers: Servers
) -> None:
    url = database("order")
    async with (
        Database.connect(url, size=4, name="test") as db,
        Database.connect(url, size=4, name="test") as hasty,
    ):
        db.outage.patience, hasty.outage.patience = 60.0, 0.0
        await backend(db)
        await backend(hasty)
        await asyncio.to_thread(servers.stop_process, "postgres")
        try:
            waiting = [asyncio.ensure_future(backend(db)) for _ in range(20)]
            while not db.outage.is_known:  # noqa: ASYNC110  # seen at the first attempt
                await asyncio.sleep(0.01)
            with pytest.raises(DatabaseAway):
                await db.answers()
            while not hasty.outage.is_known:
                with pytest.raises(UNAVAILABLE):
                    await backend(hasty)
            async with asyncio.timeout(20):  # if each waited for a look, it would be minutes
                for _ in range(1000):
                    with pytest.raises(DatabaseAway):
                        await backend(hasty)
        finally:
            await asyncio.to_thread(servers.start_process, "postgres")
        assert all(await asyncio.gather(*waiting)), "whoever asked in time has an answer, and no error"
        await backend(db)
