"""Three NATS servers and six Redis servers: what each part of ours does when one of them dies."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import StreamInfo
from nats.js.client import JetStreamContext
from redis.asyncio import Redis

from common.ids import new_id
from common.messaging.broker import broker
from common.messaging.provisioner import ProvisionerSettings, provision
from common.messaging.streams import CONSUMERS, STREAM
from common.redis import LOST, Bell
from deploy.embedded.nats import store
from deploy.privileges.redis import ADMIN
from tests.clusters import all_follow, jetstream, killed, leader, renewed
from tests.servers import Embedded, provisioning
from tests.support import eventually

pytestmark = pytest.mark.embedded
CHANNEL = "test"
T = TypeVar("T")


@pytest.fixture
async def bells(clusters: Embedded) -> AsyncIterator[tuple[Bell, Bell]]:
    """Two processes: one rings, one listens."""
    made = Bell(clusters.redis_url, CHANNEL, cluster=True), Bell(clusters.redis_url, CHANNEL, cluster=True)
    yield made
    for bell in made:
        await bell.aclose()


async def node_of_subscribers(servers: Embedded) -> str:
    """Where somebody listens."""
    stack = servers.stack
    for name in stack.nodes.names("redis"):
        with suppress(*LOST):
            async with Redis(
                port=stack.layout.port(name), username=ADMIN, password=stack.passwords.at_redis(ADMIN)
            ) as node:
                [(_, listening)] = await node.pubsub_numsub(CHANNEL)
            if listening:
                return name
    raise AssertionError("nobody listens")


@asynccontextmanager
async def heard(bell: Bell) -> AsyncIterator[asyncio.Queue[bytes]]:
    """As purchase/progress.py listens: again after every loss."""
    rung = asyncio.Queue[bytes]()

    async def listen() -> None:
        while True:
            try:
                async with bell.listening() as rings:
                    async for ring in rings:
                        rung.put_nowait(ring)
            except LOST:
                await asyncio.sleep(0.1)

    listening = asyncio.ensure_future(listen())
    yield rung
    listening.cancel()


async def test_a_listener_whose_node_dies_goes_on_at_another_one(
    clusters: Embedded, bells: tuple[Bell, Bell]
) -> None:
    """A ring may be lost while the nodes find each other, after a death of before as after this one."""
    ringing, listening = bells
    async with heard(listening) as rung:

        async def is_heard(word: bytes) -> bool:
            await ringing.ring(word)
            return any(rung.get_nowait() == word for _ in range(rung.qsize()))

        node = await eventually(lambda: node_of_subscribers(clusters))
        await eventually(lambda: is_heard(b"before"))
        async with killed(clusters, node):
            await eventually(lambda: is_heard(b"after"), seconds=60)
            assert await eventually(lambda: node_of_subscribers(clusters)) != node


async def test_whichever_node_dies_the_next_ring_is_heard(
    clusters: Embedded, bells: tuple[Bell, Bell]
) -> None:
    ringing, _ = bells
    for node in clusters.stack.nodes.names("redis"):
        await ringing.ring(b"before")
        async with killed(clusters, node):
            await ringing.ring(b"after")
            await ringing.answers()


async def test_a_frozen_node_loses_its_listener(clusters: Embedded, bells: tuple[Bell, Bell]) -> None:
    """It closes no connection; its silence tells."""
    ringing, listening = bells
    async with heard(listening) as rung:
        node = await eventually(lambda: node_of_subscribers(clusters))
        pid = clusters.stack.pid(node)
        os.kill(pid, signal.SIGSTOP)
        try:

            async def is_heard_again() -> bool:
                await ringing.ring(b"after")
                return not rung.empty()

            await eventually(is_heard_again, seconds=60)
        finally:
            os.kill(pid, signal.SIGCONT)


def elsewhere(client: Client, left: str) -> bool:
    """Connected, and to another server; how often it tried is open: a killed one may answer once more."""
    there = client.connected_url
    return there is not None and there.port != urlsplit(left).port


async def test_a_client_that_knows_one_server_finds_the_others_when_it_dies(clusters: Embedded) -> None:
    """They tell their addresses without a password."""
    only = clusters.nats_url.split(",")[0]
    async with broker(only, "tests") as connection:
        client = await connection.ready()
        await eventually(lambda: len({server.port for server in client.servers}) == 3)
        async with killed(clusters, "nats"):
            await eventually(lambda: elsewhere(client, only), seconds=60)
            await client.flush()


async def told(asked: Awaitable[T]) -> T | None:
    """None while the servers choose a leader: then they say nothing, or that nobody is there."""
    try:
        return await asked
    except (nats.errors.Error, TimeoutError):
        return None


async def seen(js: JetStreamContext) -> StreamInfo:
    found = await eventually(lambda: told(js.stream_info(STREAM)))
    assert found
    return found


async def said(js: JetStreamContext, count: int) -> None:
    """Each is stored once, however often it has to be said."""
    for _ in range(count):
        await eventually(partial(stored, js, str(new_id())), seconds=60)


async def stored(js: JetStreamContext, name: str) -> bool:
    return bool(await told(js.publish("evt.order.test", b"", headers={"Nats-Msg-Id": name})))


async def test_a_stream_that_exists_moves_to_as_many_servers_as_the_setting_says(clusters: Embedded) -> None:
    """Up and down again, with its messages, its consumers and what they have acknowledged."""
    await renewed(clusters, replicas=1)
    async with jetstream(clusters) as js:
        await said(js, 100)
        created = (await seen(js)).created
        for replicas in (3, 1, 3):
            settings = provisioning(clusters.nats_url, replicas=replicas)
            await eventually(lambda wanted=settings: provisioned(js, wanted), seconds=60)  # type: ignore[misc]

            async def is_there(followers: int = replicas - 1) -> bool:
                cluster = [(await js.stream_info(STREAM)).cluster]
                cluster += [(await js.consumer_info(STREAM, each.durable)).cluster for each in CONSUMERS]
                return all(
                    each and [peer.current for peer in each.replicas or []] == [True] * followers
                    for each in cluster
                )

            await eventually(lambda asked=is_there: told(asked()), seconds=60)  # type: ignore[misc]
        info = await seen(js)
    assert info.state.messages == 100
    assert info.created == created


async def provisioned(js: JetStreamContext, settings: ProvisionerSettings) -> bool:
    """A stream that moves may refuse for a moment; the provisioner comes again."""
    try:
        await provision(js, settings)
    except (nats.errors.Error, TimeoutError):
        return False
    return True


async def test_a_server_that_lost_its_disk_gets_everything_back_and_is_no_new_stream(
    clusters: Embedded,
) -> None:
    await renewed(clusters, replicas=3)
    stack = clusters.stack
    async with jetstream(clusters) as js:
        await said(js, 100)
        info = await seen(js)
        lost = await leader(js)
        async with killed(clusters, lost):
            shutil.rmtree(store(stack.layout, lost))
            await said(js, 1)
        await eventually(lambda: all_follow(js), seconds=60)
        after = await seen(js)
    assert after.created == info.created
    assert after.state.messages >= 101
