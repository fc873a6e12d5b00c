"""Purchases while a server of a cluster dies: JetStream's leader, a Redis master."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from deploy.client import Customer
from deploy.events import Event
from deploy.privileges.redis import ADMIN
from purchase import followers
from purchase.progress import CHANNEL
from tests.clusters import all_follow, jetstream, killed, leader, renewed
from tests.e2e.whole import Whole, whole
from tests.servers import Embedded, provisioned
from tests.support import eventually

pytestmark = pytest.mark.embedded
AFTERWARDS = 7
PARKED = "SELECT count(*) FROM dead_letter"
REPEATED = "SELECT stream_created_at FROM relay_state"


@pytest.fixture
async def shop(clusters: Embedded, tmp_path: Path) -> AsyncIterator[Whole]:
    """Two processes of every service, and the provisioner."""
    await renewed(clusters, replicas=3)
    async with (
        provisioned(clusters, replicas=3),
        whole(clusters, tmp_path, replicas=2, purchase={"streams_per_account": 100}) as opened,
    ):
        yield opened


async def story(customer: Customer, quantities: Mapping[str, int]) -> list[Event]:
    bought = await customer.buy_surely(quantities)
    return [event async for event in customer.watch(bought["id"])]


async def stories(customer: Customer, lamp: str, away: asyncio.Event) -> list[list[Event]]:
    """One after the other until a server is away, and some more."""
    told = []
    while not away.is_set():
        told.append(await story(customer, {lamp: 1}))
    return told + [await story(customer, {lamp: 1}) for _ in range(AFTERWARDS)]


def assert_whole(told: list[list[Event]]) -> int:
    """Every stream from its first event to its last, in order, none twice; answers how many there were."""
    for events in told:
        assert [event.id for event in events] == list(range(1, len(events) + 1))
        steps = [event.data.get("step", event.type) for event in events]
        assert steps == ["accepted", "reserve", "order", "payment", "completed"]
    return len(told)


async def everywhere(shop: Whole, statement: str) -> list[object]:
    """The answer of every service's database."""
    answers = []
    for url in shop.databases.values():
        connection = await asyncpg.connect(url)
        answers.append(await connection.fetchval(statement))
        await connection.close()
    return answers


async def test_the_leader_dies_and_every_purchase_ends_as_if_it_had_not(
    shop: Whole, clusters: Embedded
) -> None:
    """Nothing lost, nothing twice, nothing parked, and nobody takes it for a new stream (P16)."""
    lamp, away = await shop.product(inventory=10_000), asyncio.Event()
    customers = await shop.customers(5)
    async with jetstream(clusters) as js, asyncio.TaskGroup() as tasks:
        before = await eventually(lambda: known_stream(shop))
        buying = [tasks.create_task(stories(customer, lamp, away)) for customer in customers]
        assert_whole([await story(customers[0], {lamp: 1})])
        name = await leader(js)
        async with killed(clusters, name):
            away.set()
            await asyncio.wait(buying)
            assert await leader(js) != name
        await eventually(lambda: all_follow(js), seconds=120)
    bought = sum(assert_whole(each.result()) for each in buying)
    await shop.settled()
    assert await shop.assert_exact() == {"COMPLETED": bought + 1}
    assert await everywhere(shop, PARKED) == [0] * len(shop.databases)
    assert await known_stream(shop) == before


async def known_stream(shop: Whole) -> list[object]:
    """When the stream was made, as every service knows it; empty until all do."""
    known = await everywhere(shop, REPEATED)
    return known if all(known) else []


async def test_a_redis_master_dies_and_every_stream_is_told_to_its_end(
    shop: Whole, clusters: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Complete and in order while it is away; and at once again when its replica has taken over."""
    lamp, away = await shop.product(inventory=10_000), asyncio.Event()
    customers = await shop.customers(5)
    master = await listened_to(clusters)
    async with asyncio.TaskGroup() as tasks:
        buying = [tasks.create_task(stories(customer, lamp, away)) for customer in customers]
        assert_whole([await story(customers[0], {lamp: 1})])
        async with killed(clusters, master):
            away.set()
            await asyncio.wait(buying)
            await eventually(lambda: replica_leads(clusters, master), seconds=120)
            monkeypatch.setattr(followers, "POLL_SECONDS", 60.0)
            seconds = []
            for _ in range(10):
                begun = time.monotonic()
                assert_whole([await story(customers[0], {lamp: 1})])
                seconds.append(time.monotonic() - begun)
    bought = sum(assert_whole(each.result()) for each in buying)
    assert statistics.median(seconds) < 10, seconds  # a poll that has to find each event takes sixty
    await shop.settled()
    assert await shop.assert_exact() == {"COMPLETED": bought + 11}


def node(servers: Embedded, name: str) -> Redis:
    stack = servers.stack
    return Redis(port=stack.layout.port(name), username=ADMIN, password=stack.passwords.at_redis(ADMIN))


async def listened_to(servers: Embedded) -> str:
    """A master, and if there is one, a master at which a service listens."""
    found = {}
    for name in servers.stack.nodes.names("redis"):
        async with node(servers, name) as asked:
            if (await asked.role())[0] in {b"master", "master"}:
                [(_, listening)] = await asked.pubsub_numsub(CHANNEL)
                found[name] = listening
    return max(found, key=lambda name: found[name])


async def replica_leads(servers: Embedded, dead: str) -> bool:
    """Three of the others are masters again."""
    roles = []
    for name in servers.stack.nodes.names("redis"):
        if name != dead:
            async with node(servers, name) as asked:
                roles.append((await asked.role())[0])
    return len([role for role in roles if role in {b"master", "master"}]) == 3
