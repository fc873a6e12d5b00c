"""Who waits in an outage of the database, and who is told at once."""

import asyncio

import pytest

from common.postgres import outage
from common.postgres.outage import DatabaseAway, Outage
from tests.support import eventually


class Server:
    """Is there, or is not; counts who looked."""

    def __init__(self) -> None:
        self.is_there = False
        self.looks = 0

    async def look(self) -> None:
        self.looks += 1
        if not self.is_there:
            raise ConnectionRefusedError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(outage, "AGAIN_SECONDS", 0.01)
    return Server()


async def test_nobody_waits_while_there_is_none(server: Server) -> None:
    await Outage(server.look, patience=0.2).over()
    assert server.looks == 0


async def test_a_short_one_is_waited_for_by_all_and_one_looks(server: Server) -> None:
    away = Outage(server.look, patience=30.0)
    away.begin()
    away.begin()
    waiting = [asyncio.ensure_future(away.over()) for _ in range(100)]
    await asyncio.sleep(0)
    assert away.is_known
    server.is_there = True
    await asyncio.gather(*waiting)
    assert not away.is_known
    assert server.looks <= 3
    await away.aclose()


async def test_one_that_lasts_is_told_to_the_first_after_a_while_and_to_others_at_once(
    server: Server,
) -> None:
    away, loop = Outage(server.look, patience=0.2), asyncio.get_running_loop()
    away.begin()
    began = loop.time()
    with pytest.raises(DatabaseAway):
        await away.over()
    assert loop.time() - began >= 0.15
    async with asyncio.timeout(10):  # twenty seconds, if each of them waited
        for _ in range(100):
            with pytest.raises(DatabaseAway):
                await away.over()
    await away.aclose()


async def test_a_suspicion_delays_nobody_before_a_look_has_failed(server: Server) -> None:
    away = Outage(server.look, patience=0.2)
    server.is_there = True
    away.suspect()
    await away.over()
    server.is_there = False
    away.suspect()
    assert await eventually(lambda: away.is_known)
    await away.aclose()
