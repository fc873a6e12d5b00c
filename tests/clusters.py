"""Clusters in tests: who leads, who is killed, who follows again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import nats
from nats.js.api import ClusterInfo
from nats.js.client import JetStreamContext

from common.messaging.streams import STREAM
from tests.servers import Embedded, fresh_stream
from tests.support import eventually


@asynccontextmanager
async def killed(servers: Embedded, name: str) -> AsyncIterator[None]:
    """SIGKILL, and it stays away; on leaving it is back."""
    stack = servers.stack
    os.kill(stack.pid(name), signal.SIGKILL)
    await asyncio.to_thread(stack.stop_process, name)
    try:
        yield
    finally:
        await asyncio.to_thread(stack.start_process, name, 120)


@asynccontextmanager
async def jetstream(servers: Embedded) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(servers.nats_url.split(","))
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def renewed(servers: Embedded, *, replicas: int) -> None:
    """A fresh stream; a cluster of which a server has just come back may leave a question unanswered."""

    async def made() -> bool:
        try:
            await fresh_stream(servers.nats_url, replicas=replicas)
        except (nats.errors.Error, TimeoutError):
            return False
        return True

    await eventually(made, seconds=120)


async def leader(js: JetStreamContext) -> str:
    """The server that orders the stream's messages, once there is one; it is named like its process."""

    async def elected() -> str:
        cluster = await known(js)
        return cluster.leader or "" if cluster else ""

    return await eventually(elected, seconds=60)


async def all_follow(js: JetStreamContext) -> bool:
    """Both other servers have what the leader has."""
    cluster = await known(js)
    return bool(cluster and [peer.current for peer in cluster.replicas or []] == [True, True])


async def known(js: JetStreamContext) -> ClusterInfo | None:
    """None as well where the question is left unanswered."""
    with suppress(nats.errors.Error, TimeoutError):
        return (await js.stream_info(STREAM)).cluster
    return None
