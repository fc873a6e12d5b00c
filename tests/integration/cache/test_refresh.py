"""What is kept is compared with its rows in time, in every order of reader, word and refresh."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from common.cache import memory
from common.cache.model import Answer, Change
from common.cache.refresh import AT_ONCE, Refresh
from tests.integration.cache.processes import Process, Table, new_space
from tests.servers import Servers

KEYS = 2 * AT_ONCE + 1


class Shelf:
    """One table under many keys: counts the statements, and lets a test come in between read and answer."""

    def __init__(self) -> None:
        self.table = Table(1)
        self.gone: set[str] = set()
        self.looks = 0
        self.reloads = 0

    async def marks(self, keys: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
        self.looks += 1
        return {key: answer.mark for key, answer in (await self._read(keys)).items()}

    async def reload(self, keys: Sequence[str]) -> Mapping[str, Answer]:
        self.reloads += 1
        return await self._read(keys)

    async def _read(self, keys: Sequence[str]) -> Mapping[str, Answer]:
        answer = await self.table.load()
        assert answer is not None
        return {key: answer for key in keys if key not in self.gone}


class Kept:
    """A process that keeps what it reads, and hears nothing by itself."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.shelf = Shelf()
        self.refresh = Refresh(process.memory, process.counts, self.shelf.marks, self.shelf.reload)

    def shown(self, key: str = "a") -> bytes | None:
        answer = self.process.cache.ready(key)
        return answer.body if answer else None

    async def read(self, key: str = "a") -> bytes:
        return await self.process.read(self.shelf.table, key)

    async def held_refresh(self) -> "asyncio.Future[None]":
        """It has read, and has no answer before `release`."""
        table = self.shelf.table
        table.read.clear()
        table.held = asyncio.Event()
        refreshing = asyncio.ensure_future(self.refresh.refresh())
        await table.read.wait()
        return refreshing

    def release(self) -> None:
        held, self.shelf.table.held = self.shelf.table.held, None
        assert held is not None
        held.set()

    def until(self, key: str = "a") -> float:
        return self.process.memory._held[key].until


@pytest.fixture
async def kept(servers: Servers) -> AsyncIterator[Kept]:
    process = Process(servers.redis_url_of("product"), new_space(), mib=8)
    yield Kept(process)
    await process.aclose()


async def test_thousands_of_answers_are_a_few_statements(kept: Kept) -> None:
    """And only what has changed is read again."""
    old, new = (Answer(b"v%d" % each, versions=(each,), mark=(each,), seconds=30) for each in (1, 2))
    ends = kept.process.memory.clock() + 10
    for number in range(KEYS):
        kept.process.memory.put(str(number), memory.Kept(old if number == 7 else new, ends))
    kept.shelf.table.version = 2
    await kept.refresh.refresh()
    assert {kept.shown(str(number)) for number in range(KEYS)} == {b"v2"}
    assert min(kept.until(str(number)) for number in range(KEYS)) > ends
    assert (kept.shelf.looks, kept.shelf.reloads) == (3, 1)
    assert kept.process.counts.refreshed == KEYS


async def test_what_nobody_keeps_is_not_looked_at(kept: Kept) -> None:
    await kept.refresh.refresh()
    assert kept.shelf.looks == 0


async def test_a_refresh_that_read_before_the_change_brings_nothing_back(kept: Kept) -> None:
    """Reads v1; v2 is committed, heard, and read by somebody; answers v1."""
    await kept.read()
    refreshing = await kept.held_refresh()
    kept.shelf.table.version = 2
    kept.process.memory.hear(Change("a", 0, 2))
    await kept.process.fence(2)
    assert kept.shown() is None
    reading = asyncio.ensure_future(kept.read())
    kept.release()
    await refreshing
    assert await reading == b"v2"
    assert kept.shown() == b"v2"


async def test_a_refresh_that_is_overtaken_by_a_read_loses_though_nobody_said_a_word(kept: Kept) -> None:
    await kept.read()
    refreshing = await kept.held_refresh()
    newer = Answer(b"v2", versions=(2,), mark=(2,), seconds=30)
    kept.process.memory.put("a", memory.Kept(newer, until=kept.process.memory.clock() + 30))
    kept.release()
    await refreshing
    assert kept.shown() == b"v2"


async def test_a_refresh_brings_nothing_back_that_was_forgotten_meanwhile(kept: Kept) -> None:
    await kept.read()
    refreshing = await kept.held_refresh()
    kept.process.memory.clear()
    kept.release()
    await refreshing
    assert kept.shown() is None


async def test_what_is_gone_is_left_to_end(kept: Kept) -> None:
    await kept.read()
    ends = kept.until()
    kept.shelf.gone.add("a")
    await kept.refresh.refresh()
    assert kept.until() == ends
