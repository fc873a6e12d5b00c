"""Clusters in tests: who leads, who is killed, who follows again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
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
        await asyncio.to_thread(stack.start_process, name)


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

    await eventually(made, seconds=40)


async def leader(js: JetStreamContext) -> str:
    """The server that orders the stream's messages; servers are named like their processes."""
    cluster = (await js.stream_info(STREAM)).cluster
    assert cluster
    assert cluster.leader
    return cluster.leader


async def all_follow(js: JetStreamContext) -> bool:
    """Both other servers have what the leader has."""
    cluster = (await js.stream_info(STREAM)).cluster
    return bool(cluster and [peer.current for peer in cluster.replicas or []] == [True, True])
