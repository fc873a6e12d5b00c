"""The caches on six Redis servers: keys of one answer share a slot, and a server that dies is survived."""

import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
from redis.asyncio import RedisCluster

from common.cache.filter import Filter
from common.cache.keeper import Keeper
from common.cache.kinds import KINDS
from common.cache.lists import begin_epoch
from common.cache.model import Change
from common.cache.store import Away
from common.ids import new_id
from tests.clusters import killed
from tests.integration.cache.processes import Process, Table, new_space
from tests.servers import Embedded
from tests.support import eventually

pytestmark = pytest.mark.embedded
KEYS = [str(number) for number in range(30)]
MONTH_MS = 30 * 86_400_000


@pytest.fixture
async def pair(clusters: Embedded) -> AsyncIterator[tuple[Process, Process]]:
    space, url = new_space(), clusters.redis_url_of("product")
    made = Process(url, space, cluster=True), Process(url, space, cluster=True)
    yield made
    for each in made:
        await each.aclose()


async def test_answers_fences_and_locks_work_wherever_they_lie(pair: tuple[Process, Process]) -> None:
    one, other = pair
    table = Table(1)
    for key in KEYS:
        assert await one.read(table, key) == b"v1"
        assert await other.read(table, key) == b"v1"
    assert table.reads == len(KEYS)
    await one.store.raise_fences([Change(key, 0, 2) for key in KEYS])
    table.version = 2
    assert [await other.read(table, key) for key in KEYS] == [b"v2"] * len(KEYS)
    await begin_epoch(one.store)
    assert await other.store.word("lists")


async def test_the_filter_lies_in_one_slot(pair: tuple[Process, Process]) -> None:
    one, other = pair
    known = [UUID(int=new_id().int - (MONTH_MS << 80)) for _ in range(100)]

    async def page(after: UUID, limit: int) -> Sequence[UUID]:
        return sorted(each for each in known if each > after)[:limit]

    await Keeper(one.store, KINDS["cuckoo"], page).tend()
    ids = Filter(other.store, KINDS["cuckoo"])
    assert not any([await ids.excludes(each) for each in known])
    assert await ids.excludes(UUID(int=new_id().int - (2 * MONTH_MS << 80)))


def master_of(clusters: Embedded, process: Process) -> str:
    """Who has the first key."""
    client = process.store._client
    assert isinstance(client, RedisCluster)
    node = client.get_node_from_key(process.store.key(KEYS[0], "answer"))
    stack = clusters.stack
    [name] = [each for each in stack.nodes.names("redis") if node and stack.layout.port(each) == node.port]
    return name


@pytest.mark.usefixtures("impatient")
async def test_a_master_that_dies_is_survived(clusters: Embedded, pair: tuple[Process, Process]) -> None:
    """Right answers all the time; and all keys are kept again as soon as its replica has taken over."""
    one, _ = pair
    table = Table(1)
    for key in KEYS:
        await one.read(table, key)
    async with killed(clusters, master_of(clusters, one)):
        began = time.monotonic()
        for version in range(2, 6):
            table.version = version
            for key in KEYS:
                one.memory.hear(Change(key, 0, version))
                assert await one.read(table, key) == b"v%d" % version
        print(f"{4 * len(KEYS)} reads while a master was dead: {time.monotonic() - began:.1f} s")  # noqa: T201  # how long

        async def all_are_kept() -> bool:
            try:
                for key in KEYS:
                    await one.read(table, key)
                    if await one.store.look(key) is None:
                        return False
            except Away:
                return False
            return True

        await eventually(all_are_kept, seconds=120)
        print(f"kept again after {time.monotonic() - began:.1f} s")  # noqa: T201  # how long
