"""Redis as the shop uses it: a bell between replicas. Losing it costs time, and never an answer.

One server, or a cluster, in which a plain PUBLISH to any node reaches the subscribers of all of them: whoever
rings or listens needs one living node, whichever.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode
from redis.exceptions import RedisClusterException, RedisError

LOST = (RedisError, RedisClusterException, OSError, TimeoutError)
"""Redis, or every node of it, cannot serve now."""

SILENCE = 3.0
"""Seconds after which a subscription is asked whether it lives; after as many again it is given up."""

PATIENCE: dict[str, Any] = {"socket_timeout": 3, "socket_connect_timeout": 2, "health_check_interval": 10}


class Bell:
    """One channel. Opens nothing before it is used; goes on at another node when its own is gone."""

    def __init__(self, url: str, channel: str, *, cluster: bool) -> None:
        self.channel = channel
        self._client = client(url, cluster=cluster)
        self._served_last = ""

    async def ring(self, payload: bytes) -> None:
        """Raises one of LOST when no node answers."""
        await self._anywhere("PUBLISH", self.channel, payload)

    async def answers(self) -> None:
        """The readiness probe."""
        await self._anywhere("PING")

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """What is rung after it is entered is heard, until one of LOST is raised; then enter it again."""
        async with await self._subscription() as pubsub:
            await pubsub.subscribe(self.channel)
            if await pubsub.get_message(timeout=SILENCE) is None:
                raise TimeoutError("no answer to SUBSCRIBE")
            yield _heard(pubsub)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _subscription(self) -> PubSub:
        """At any node: one that is dead is not met again for long."""
        if isinstance(self._client, Redis):
            return self._client.pubsub()
        return self._client.pubsub(node=random.choice(await self._nodes(self._client)))  # noqa: S311  # no secret

    async def _anywhere(self, *command: str | bytes) -> None:
        if isinstance(self._client, Redis):
            await self._client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
            return
        lost: Exception = ConnectionError("the cluster has no nodes")
        for node in await self._nodes(self._client):
            try:
                await self._client.execute_command(*command, target_nodes=node)
            except LOST as error:
                lost = error
            else:
                self._served_last = node.name
                return
        raise lost

    async def _nodes(self, cluster: RedisCluster) -> list[ClusterNode]:
        """As the cluster knows them; the one that served last is the first."""
        await cluster.initialize()
        return sorted(cluster.get_nodes(), key=lambda node: (node.name != self._served_last, random.random()))  # noqa: S311  # no secret


async def _heard(pubsub: PubSub) -> AsyncIterator[bytes]:
    """A node that is frozen or cut off closes no connection: its silence tells."""
    is_asked = False
    while True:
        message = await pubsub.get_message(timeout=SILENCE)
        if message is not None:
            is_asked = False
            if message["type"] == "message":
                yield message["data"]
        elif is_asked:
            raise TimeoutError("the subscription is silent")
        else:
            await pubsub.ping()
            is_asked = True


def client(url: str, *, cluster: bool) -> Redis | RedisCluster:
    """Opens nothing before it is used."""
    return _seeded(url) if cluster else Redis.from_url(url, **PATIENCE)


def _seeded(url: str) -> RedisCluster:
    """Any of the seeds tells the whole cluster; the name and password of the first are everybody's."""
    first, *others = url.split(",")
    seeds = [ClusterNode(at.hostname or "localhost", at.port or 6379) for at in map(urlsplit, others)]
    return RedisCluster.from_url(first, startup_nodes=seeds, require_full_coverage=False, **PATIENCE)
