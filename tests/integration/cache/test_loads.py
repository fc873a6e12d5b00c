"""However many miss at once, the database is read once; and nobody waits for whoever will never come back."""

import asyncio
import time

import pytest

from common.cache import cache, store
from common.cache.cache import WAIT_SECONDS
from common.cache.model import Answer
from common.cache.store import LOCK_SECONDS
from common.postgres.database import DatabaseAway
from tests.integration.cache.processes import Process, Table, new_space
from tests.servers import Servers
from tests.support import eventually

Pair = tuple[Process, Process]


async def test_two_hundred_misses_of_two_processes_are_one_read(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 60.0)  # however slowly it is read
    monkeypatch.setattr(cache, "WAIT_SECONDS", 60.0)
    table = Table(1)
    bodies = await asyncio.gather(*(process.read(table) for process in pair for _ in range(100)))
    assert set(bodies) == {b"v1"}
    assert table.reads == 1
    one, other = (each.counts for each in pair)
    assert one.loads + other.loads == 1
    assert one.joined + other.joined == 198


async def test_a_reader_that_dies_with_the_lock_costs_a_moment(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far less than the lock lives, which here is a minute, so that a busy machine is none."""
    assert WAIT_SECONDS < LOCK_SECONDS / 2
    monkeypatch.setattr(store, "LOCK_SECONDS", 60.0)
    dead, alive = pair
    assert await dead.store.lock("a")
    began = time.monotonic()
    assert await alive.read(Table(1)) == b"v1"
    assert time.monotonic() - began < WAIT_SECONDS + 20


async def test_a_lock_that_is_lost_costs_a_second_read(pair: Pair) -> None:
    """Its holder was slow, or Redis has forgotten it."""
    slow, other = pair
    table = Table(1)
    table.held = asyncio.Event()
    reading = asyncio.ensure_future(slow.read(table))
    await table.read.wait()
    await other.store.unlock("a")
    second = asyncio.ensure_future(other.read(table))
    await eventually(lambda: table.reads == 2)
    table.held.set()
    assert {await reading, await second} == {b"v1"}


async def test_a_read_that_fails_fails_for_those_who_wait_and_for_nobody_else(pair: Pair) -> None:
    one, _ = pair

    async def away() -> Answer | None:
        await asyncio.sleep(0.01)
        raise DatabaseAway("no connection")

    failed = await asyncio.gather(*(one.cache.read("a", away) for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in failed] == [DatabaseAway] * 5
    assert await one.read(Table(1)) == b"v1"


async def test_a_client_that_leaves_takes_the_read_from_nobody(pair: Pair) -> None:
    one, _ = pair
    table = Table(1)
    table.held = asyncio.Event()
    leaving = asyncio.ensure_future(one.read(table))
    await table.read.wait()
    staying = asyncio.ensure_future(one.read(table))
    await asyncio.sleep(0)
    leaving.cancel()
    table.held.set()
    assert await staying == b"v1"
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert table.reads == 1


async def test_lifetimes_differ_by_a_tenth(pair: Pair) -> None:
    """What was loaded together does not end together."""
    one, _ = pair
    for number in range(40):
        await one.read(Table(1, seconds=10_000), str(number))
    looks = [await one.store.look(str(number)) for number in range(40)]
    lives = [look.seconds for look in looks if look]
    assert len(lives) == 40
    assert min(lives) >= 8_900
    assert max(lives) <= 11_000
    assert max(lives) - min(lives) > 500


async def test_without_the_ring_an_answer_ends_with_its_time(servers: Servers) -> None:
    """The invalidation of another process is lost on purpose: nobody listens here."""
    process = Process(servers.redis_url_of("product"), new_space(), mib=1, seconds=5.0)
    now = 1000.0
    process.memory.clock = lambda: now
    table = Table(1)
    assert await process.read(table) == b"v1"
    table.version = 2
    await process.fence(2)
    now += 4.9
    assert await process.read(table) == b"v1"
    now += 0.2
    assert await process.read(table) == b"v2"
    assert process.counts.memory == 1
    await process.aclose()
