"""What a process reads, and what it forgets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Set
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from common.ids import new_id
from common.postgres.database import Database, DatabaseAway
from common.standing import known
from common.standing.known import Known
from tests.support import eventually

END = "INSERT INTO ended_session (session_id, account_id) VALUES ($1, $2)"
END_EARLIER = "INSERT INTO ended_session VALUES ($1, $2, now() - make_interval(secs => $3))"
CHANGE = """
INSERT INTO account_state VALUES ($1, $2, true, true, 'customer', 1, now() - make_interval(secs => $3))
"""


@pytest.fixture
def url(database: Callable[[str], str]) -> str:
    return database("order")


@asynccontextmanager
async def looking(url: str, *, token_seconds: float = 600) -> AsyncIterator[Known]:
    async with Database.connect(url, size=2, name="test") as db:
        process = Known(db, token_seconds=token_seconds)
        loop = asyncio.ensure_future(process.run())
        yield process
        loop.cancel()


@pytest.fixture
async def account(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Who writes into the tables."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def test_a_transaction_that_commits_late_is_not_missed(
    url: str, account: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    slow, quick, owner = new_id(), new_id(), new_id()
    async with looking(url) as process:
        await process.informed()
        other = await asyncpg.connect(url)
        async with account.transaction():
            await account.execute(END, slow, owner)
            await other.execute(END, quick, owner)
            await eventually(lambda: quick in process.ended)
            assert slow not in process.ended
        await eventually(lambda: slow in process.ended)
        await other.close()


async def test_one_that_commits_later_still_is_found_when_everything_is_read(
    url: str, account: "asyncpg.Connection[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "WHOLE_EVERY", 1.0)
    session, owner = new_id(), new_id()
    async with looking(url) as process:
        await process.informed()
        await account.execute(END_EARLIER, session, owner, known.OVERLAP + 5)
        await eventually(lambda: process.ended == {session: owner})


async def test_what_no_living_token_is_older_than_is_forgotten(
    url: str, account: "asyncpg.Connection[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account's newest state stays in the table; it is one row."""
    monkeypatch.setattr(known, "WHOLE_EVERY", 0.5)
    monkeypatch.setattr(known, "MARGIN", 0.0)
    fresh, soon, old = new_id(), new_id(), new_id()
    for each, seconds in ((fresh, 0), (soon, 540), (old, 601)):
        await account.execute(END_EARLIER, each, each, seconds)
        await account.execute(CHANGE, each, 2, seconds)
    async with looking(url) as process:
        await process.informed()
        assert process.ended.keys() == process.states.keys() == {fresh, soon}
        process.seconds -= 120  # as if two minutes went by
        await eventually(lambda: process.ended.keys() == process.states.keys() == {fresh})

        async def in_the_table() -> bool:
            return [row["session_id"] for row in await account.fetch("TABLE ended_session")] == [fresh]

        await eventually(in_the_table)
    assert await account.fetchval("SELECT count(*) FROM account_state") == 3


async def test_listeners_are_told_of_each_account_once(
    url: str, account: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    ann, bob, last = new_id(), new_id(), new_id()
    told: list[UUID] = []

    def tell(accounts: Set[UUID]) -> None:
        told.extend(accounts)

    async with looking(url) as process:
        process.on_news(tell)
        await account.execute(END, new_id(), ann)
        await account.execute(CHANGE, bob, 2, 0)
        await eventually(lambda: {ann, bob} <= set(told))
        await account.execute(END, new_id(), last)
        await eventually(lambda: last in told)
    assert sorted(told) == sorted([ann, bob, last])


async def test_what_is_known_stays_known_when_the_database_goes_away(
    url: str, account: "asyncpg.Connection[asyncpg.Record]", caplog: pytest.LogCaptureFixture
) -> None:
    session, owner = new_id(), new_id()
    await account.execute(END, session, owner)
    async with looking(url) as process:
        await process.informed()
        await process.db.pool.close()
        await eventually(lambda: "cannot be read" in caplog.text)
        assert process.ended == {session: owner}
        await process.informed()


async def test_a_process_that_knows_nothing_yet_lets_nobody_in(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "PATIENCE", 0.1)
    async with Database.connect(url, size=1, name="test") as db:
        with pytest.raises(DatabaseAway):
            await Known(db, token_seconds=600).informed()
