"""Redis as the shop uses it: a bell between replicas, limits, caches. Losing it costs time, never an answer.

One server, or a cluster, in which a plain PUBLISH to any node reaches the subscribers of all of them: whoever
rings or listens needs one living node, whichever.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from common.absent import absent
from common.telemetry import spans

with absent("opentelemetry.sdk.metrics"):  # two megabytes of each process, for measures that nobody reads
    from redis.asyncio import Redis, RedisCluster
    from redis.asyncio.client import PubSub
    from redis.asyncio.cluster import ClusterNode
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.exceptions import RedisClusterException, RedisError

Client = Redis | RedisCluster

LOST = (RedisError, RedisClusterException, OSError, TimeoutError, RuntimeError)
"""Redis, or every node of it, cannot serve now. RuntimeError is uvloop's word for a write to a connection
that was reset a moment ago; redis-py passes it on."""

SILENCE = 3.0
"""Seconds after which a subscription is asked whether it lives; after as many again it is given up."""

PATIENCE: dict[str, Any] = {"socket_timeout": 3, "socket_connect_timeout": 2, "health_check_interval": 10}
ONCE_MORE = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
"""On a new connection, as the old one may have died unnoticed. Then it is another node's turn."""


class Bell:
    """One channel. Opens nothing before it is used; goes on at another node when its own is gone.

    redis-py's cluster client is not asked: it knows no way on while the master that it met first is dead.
    """

    def __init__(self, url: str, channel: str, *, cluster: bool) -> None:
        """The name and the password of the first address are everybody's."""
        self.channel = channel
        self._is_cluster = cluster
        self._first, *others = map(urlsplit, url.split(","))
        self._seeds = {each.netloc.rpartition("@")[2] for each in (self._first, *others)}
        self._nodes = {address: self._connect(address) for address in self._seeds}
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
        async with self._subscription() as pubsub:
            await pubsub.subscribe(self.channel)
            if await pubsub.get_message(timeout=SILENCE) is None:
                raise TimeoutError("no answer to SUBSCRIBE")
            _end_if_cancelled()
            yield _heard(pubsub)

    async def aclose(self) -> None:
        for node in self._nodes.values():
            await node.aclose()

    def _connect(self, address: str) -> Redis:
        credentials, at, _ = self._first.netloc.rpartition("@")
        url = self._first._replace(netloc=f"{credentials}{at}{address}").geturl()
        return Redis.from_url(url, retry=ONCE_MORE, **PATIENCE)

    def _subscription(self) -> PubSub:
        """At any node: one that is dead is not met again for long."""
        return random.choice(list(self._nodes.values())).pubsub()  # noqa: S311  # no secret

    async def _anywhere(self, *command: str | bytes) -> None:
        """At the node that served last, or else at the first of the others that does."""
        lost: Exception | None = None
        for address in sorted(self._nodes, key=lambda each: (each != self._served_last, random.random())):  # noqa: S311  # no secret
            try:
                await self._nodes[address].execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
            except LOST as error:
                lost = error
            else:
                if self._is_cluster and address != self._served_last:
                    await self._learn(address)
                self._served_last = address
                _end_if_cancelled()
                return
        assert lost is not None
        raise lost

    async def _learn(self, address: str) -> None:
        """The seeds, and the nodes that share the keys now as this one sees them."""
        with suppress(*LOST):
            shares = await self._nodes[address].execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]  # redis-py
            found = {f"{host.decode()}:{port}" for share in shares for host, port, *_ in share[2:] if host}
            known = self._seeds | {address} | found
            for gone in self._nodes.keys() - known:
                await self._nodes.pop(gone).aclose()
            self._nodes |= {new: self._connect(new) for new in known - self._nodes.keys()}


async def _heard(pubsub: PubSub) -> AsyncIterator[bytes]:
    """A node that is frozen or cut off closes no connection: its silence tells."""
    is_asked = False
    while True:
        _end_if_cancelled()
        message = await pubsub.get_message(timeout=SILENCE)
        if message is not None:
            is_asked = False
            if message["type"] == "message":
                yield message["data"]
            elif message["type"] == "subscribe":
                raise RedisConnectionError("subscribed again: something may have been missed")
        elif is_asked:
            raise TimeoutError("the subscription is silent")
        else:
            await pubsub.ping()
            is_asked = True


def _end_if_cancelled() -> None:
    """Before Python 3.12 `asyncio.wait_for`, by which redis-py sends, forgets a cancellation that meets its
    result: the loop that it should have ended would go on for ever. So it is asked for after each question.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@contextmanager
def asking(command: str) -> Iterator[None]:
    """Around a question; one of several commands is a PIPELINE. Keys may say who somebody is: not told."""
    with spans.span(command, {"db.system.name": "redis", "db.operation.name": command}):
        yield
    _end_if_cancelled()


def client(url: str, *, cluster: bool) -> Client:
    """For keys. Opens nothing before it is used; any of the seeds tells the whole cluster."""
    first, *others = url.split(",")
    if not cluster:
        return Redis.from_url(first, **PATIENCE)
    seeds = [ClusterNode(at.hostname or "localhost", at.port or 6379) for at in map(urlsplit, others)]
    return RedisCluster.from_url(first, startup_nodes=seeds, require_full_coverage=False, **PATIENCE)
