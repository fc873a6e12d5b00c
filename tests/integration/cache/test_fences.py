"""Reader, writer and word in every bad order: what is old is never answered once the word is out."""

import asyncio

from common.cache.model import Answer, Change
from tests.integration.cache.processes import Process, Table

Pair = tuple[Process, Process]


async def test_a_reader_that_stores_what_it_read_before_the_change_loses(pair: Pair) -> None:
    """Loads v1; v2 is committed and fenced; stores v1."""
    reader, other = pair
    table = Table(1)
    table.held = asyncio.Event()
    reading = asyncio.ensure_future(reader.read(table))
    await table.read.wait()
    table.version = 2
    await other.fence(2)
    table.held.set()
    await reading
    assert await other.read(table) == b"v2"
    assert await reader.read(table) == b"v2"
    assert table.reads == 2, "the second read is kept again, for both"


async def test_an_old_word_changes_nothing(pair: Pair) -> None:
    """Words come in any order, and more than once."""
    one, other = pair
    table = Table(3)
    for version in (3, 1, 2, 3):
        await one.fence(version)
    assert await one.read(table) == b"v3"
    await other.fence(2)
    assert await other.read(table) == b"v3"
    assert table.reads == 1


async def test_every_part_has_a_version_of_its_own(pair: Pair) -> None:
    """A product, and its stock."""
    one, _ = pair
    answer = Answer(b"x", versions=(7, 100), seconds=30)
    await one.store.keep("a", answer, 30)
    await one.store.raise_fences([Change("a", 0, 7), Change("a", 1, 100)])
    assert await one.store.look("a") is not None
    await one.store.raise_fences([Change("a", 1, 101)])
    assert await one.store.look("a") is None


async def test_a_store_that_comes_after_the_end_of_its_time_is_none(pair: Pair) -> None:
    """A process that stood still for long may outlast the fence; what it brings has outlived itself."""
    one, other = pair
    table = Table(1, seconds=0.05)
    table.held = asyncio.Event()
    reading = asyncio.ensure_future(one.read(table))
    await table.read.wait()
    await asyncio.sleep(0.06)
    table.held.set()
    await reading
    assert await other.store.look("a") is None


async def test_who_commits_never_sees_less_than_it_has_committed(pair: Pair) -> None:
    """Also when it joins a read that began before, and while Redis knows of nothing yet."""
    one, _ = pair
    table = Table(1)
    table.held = asyncio.Event()
    before = asyncio.ensure_future(one.read(table))
    await table.read.wait()
    table.version = 2
    one.memory.hear(Change("a", 0, 2))  # as after the commit
    after = asyncio.ensure_future(one.read(table))
    await asyncio.sleep(0)
    table.held.set()
    await before
    assert await after == b"v2"
    assert await one.read(table) == b"v2"


async def test_what_another_release_has_written_is_read_anew(pair: Pair) -> None:
    one, _ = pair
    async with one.store._asking("SET") as redis:
        await redis.set(one.store.key("a", "answer"), b"\x93\x01", px=10_000)
    assert await one.read(Table(1)) == b"v1"
