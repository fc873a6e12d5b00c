"""The filter of ids: believed while it knows them all, and in every doubt the database is asked."""

import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from common.cache.filter import NAME, YOUNG_SECONDS, Filter, is_young, lease_key
from common.cache.keeper import Keeper, Unsupported
from common.cache.kinds import KINDS
from common.cache.store import Store
from common.ids import new_id
from tests.integration.cache.processes import new_space
from tests.servers import Servers
from tests.support import free_port

LONG_AGO = 30 * 86_400
KIND_NAMES = list(KINDS)


def old_id() -> UUID:
    """As if it had been made a month ago."""
    return UUID(int=new_id().int - (LONG_AGO * 1000 << 80))


class World:
    """A table of ids, the filter of one process, and its keeper."""

    def __init__(self, url: str, kind: str = "cuckoo") -> None:
        self.ids: list[UUID] = []
        self.store = Store(url, cluster=False, space=new_space(), fence_seconds=60)
        self.filter = Filter(self.store, KINDS[kind])
        self.keeper = Keeper(self.store, KINDS[kind], self._page)

    async def _page(self, after: UUID, limit: int) -> Sequence[UUID]:
        return sorted(each for each in self.ids if each > after)[:limit]

    async def excludes(self, entity_id: UUID) -> bool:
        """By a process that has just begun: nothing is remembered of the last look."""
        return await Filter(self.store, self.keeper._kind).excludes(entity_id)

    async def lease(self) -> bytes | None:
        [name] = await self.store.ask(("GET", lease_key(self.store)))
        assert name is None or isinstance(name, bytes)
        return name

    async def vouch_again(self) -> None:
        """Without the quarter of a minute in between."""
        await self.store.ask(("DEL", self.store.key(NAME, "vouch")))
        await self.keeper.tend()


@pytest.fixture(params=KIND_NAMES)
async def world(servers: Servers, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made = World(servers.redis_url_of("product"), request.param)
    yield made
    await made.store.aclose()


@pytest.fixture
async def admin(servers: Servers) -> AsyncIterator[Redis]:
    async with Redis.from_url(servers.redis_url) as client:
        yield client


async def test_unknown_ids_are_excluded_and_known_ones_never(world: World) -> None:
    world.ids = [old_id() for _ in range(5_000)]
    assert not await world.excludes(old_id()), "there is no filter yet"
    await world.keeper.tend()
    assert not any([await world.filter.excludes(each) for each in world.ids[::20]])
    assert [await world.filter.excludes(uuid4()) for _ in range(50)].count(True) > 40
    name = await world.lease()
    assert name is not None
    strangers = [uuid4().bytes for _ in range(20_000)]
    [passed] = await world.store.ask(world.keeper._kind.exists(name.decode(), strangers))
    assert sum(passed) < 200, "under one of a hundred"


async def test_a_young_id_passes_unasked(world: World) -> None:
    """It may be on its way still."""
    await world.keeper.tend()
    assert not await world.excludes(new_id())
    assert await world.excludes(old_id())
    future = UUID(int=new_id().int + (86_400_000 << 80))
    assert await world.excludes(future), "made up"
    assert is_young(new_id(), time.time() + YOUNG_SECONDS - 1)
    assert not is_young(new_id(), time.time() + YOUNG_SECONDS + 1)


async def test_a_flush_loses_filter_and_trust_together_and_both_come_back(world: World, admin: Redis) -> None:
    world.ids = [old_id() for _ in range(100)]
    await world.keeper.tend()
    assert await world.filter.excludes(old_id())
    await admin.flushall()
    assert not await world.filter.excludes(old_id())
    await world.keeper.tend()
    assert await world.excludes(old_id())
    assert not await world.excludes(world.ids[0])


async def test_a_filter_that_lost_its_memory_behind_its_lease_is_not_believed(
    world: World, admin: Redis
) -> None:
    """Evicted, or brought back empty by whoever took over."""
    world.ids = [old_id() for _ in range(100)]
    await world.keeper.tend()
    name = await world.lease()
    assert name is not None
    await admin.delete(name)
    assert not await world.filter.excludes(world.ids[0])
    assert not await world.excludes(old_id())
    await world.vouch_again()
    assert await world.lease() is None, "nobody vouches for it any more"
    await world.keeper.tend()
    assert await world.excludes(old_id())


async def test_what_a_failover_lost_again_is_added_again_before_anybody_vouches(world: World) -> None:
    """The id is committed and was added; Redis came back as it was before. Young as it is, it passes."""
    await world.keeper.tend()
    fresh = new_id()
    world.ids.append(fresh)
    assert not await world.excludes(fresh)
    await world.vouch_again()
    grown_up = Filter(world.store, world.keeper._kind, clock=lambda: time.time() + 2 * YOUNG_SECONDS)
    assert not await grown_up.excludes(fresh)
    assert await grown_up.excludes(new_id())


async def test_what_the_consumer_adds_is_known(world: World) -> None:
    await world.keeper.tend()
    added = old_id()
    await world.keeper.add([added, added])
    await world.keeper.add([added])
    assert not await world.excludes(added)


async def test_a_full_filter_is_disowned_and_built_with_more_room(world: World) -> None:
    world.ids = [old_id() for _ in range(10)]
    await world.keeper.tend()
    first = await world.lease()
    more = [old_id() for _ in range(18_000)]
    for start in range(0, len(more), 2_000):
        await world.keeper.add(more[start : start + 2_000])
    assert await world.lease() is None
    assert not await world.excludes(more[0])
    world.ids += more
    await world.keeper.tend()
    assert await world.lease() not in {None, first}
    assert not any([await world.filter.excludes(each) for each in more[::100]])
    assert any([await world.excludes(old_id()) for _ in range(3)])


async def test_two_keepers_build_one_filter(world: World) -> None:
    other = Keeper(world.store, world.keeper._kind, world.keeper._page)
    await world.store.ask(("SET", world.store.key(NAME, "build"), "1", "PX", 60_000))
    await other.tend()
    assert await world.lease() is None, "the other one is at it"
    await world.store.ask(("DEL", world.store.key(NAME, "build")))
    await other.tend()
    first = await world.lease()
    await world.keeper.tend()
    assert await world.lease() == first


async def test_where_redis_has_no_such_filter_there_is_none(servers: Servers) -> None:
    """As a user without the right, and where the module is missing, the commands do not exist."""
    world = World(servers.redis_url_of("product"))
    kind = KINDS["cuckoo"]._replace(reserve_word="XF.RESERVE")
    with pytest.raises(Unsupported):
        await Keeper(world.store, kind, world.keeper._page).tend()
    assert not await world.excludes(old_id())
    await world.store.aclose()


async def test_without_redis_nothing_is_excluded() -> None:
    world = World(f"redis://product:x@127.0.0.1:{free_port()}/0")
    assert not await world.excludes(old_id())
    await world.store.aclose()
