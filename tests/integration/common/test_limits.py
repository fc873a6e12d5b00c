"""Tries counted in a real Redis, alone and as a cluster: at once, by many, and forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from common.ids import new_id
from common.limits.counters import SharedCounters
from common.limits.model import Bucket, Friend, Limit
from common.limits.tries import Limited, Limits, Rule
from tests.servers import Embedded, Servers

FREE = 5
LIMIT = Limit("test", free=FREE, seconds=60.0, first=30.0, most=60.0)
MANY = LIMIT._replace(name="many", free=10_000)
RULE = Rule(account=LIMIT, address=MANY, together=MANY)

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture(params=["one server", "a cluster"])
async def counters(request: pytest.FixtureRequest) -> AsyncIterator[SharedCounters]:
    if request.param == "a cluster":
        clusters: Embedded = request.getfixturevalue("clusters")
        made = SharedCounters(clusters.redis_url, cluster=True)
    else:
        servers: Servers = request.getfixturevalue("servers")
        made = SharedCounters(servers.redis_url, cluster=False)
    async with aclosing(made):
        yield made


def buckets() -> list[Bucket]:
    """Of as many names, on whatever nodes they come to lie."""
    return [Bucket(LIMIT, str(new_id())) for _ in range(12)]


async def test_a_try_counts_in_all_its_buckets_and_a_good_one_is_forgotten(counters: SharedCounters) -> None:
    own, shared, friend = buckets(), buckets(), Friend(str(new_id()), "203.0.113.1")
    for expected in (1, 2):
        seen, is_friend = await counters.count([*own, *shared], friend)
        assert [(each.tries, each.closed, is_friend) for each in seen] == [(expected, 0.0, False)] * 24
    assert await counters.pass_gate(own, [300.0] * 12)
    assert not await counters.pass_gate(own, [300.0] * 12)
    seen, _ = await counters.count(own, None)
    assert all(250 < each.closed <= 300 for each in seen)
    await counters.settle(own, shared, friend)
    seen, is_friend = await counters.count([*own, *shared], friend)
    assert [(each.tries, each.closed) for each in seen] == [(1, 0.0)] * 12 + [(2, 0.0)] * 12
    assert is_friend


async def test_no_more_get_through_however_many_try_at_once(counters: SharedCounters) -> None:
    limits, account = Limits(counters), str(new_id())

    async def admitted(number: int) -> bool:
        try:
            await limits.admit(RULE, account, f"203.0.113.{number}")
        except Limited:
            return False
        return True

    assert sum(await asyncio.gather(*(admitted(number) for number in range(40)))) == FREE + 1
