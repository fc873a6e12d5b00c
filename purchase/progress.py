"""Redis pub/sub: a wake-up between the replicas, at most once. Losing it costs time, never an event."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec
import redis.asyncio as redis
from redis.exceptions import RedisError

from purchase.event_log import Event

log = logging.getLogger(__name__)

CHANNEL = "purchase:events"
RETRY_SECONDS = 0.5

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Event]).decode

LOST = (RedisError, OSError, TimeoutError)


class Progress:
    """One subscription and one publisher per process."""

    def __init__(self, url: str) -> None:
        self._client = redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=10
        )
        self._outgoing: asyncio.Queue[Sequence[Event]] = asyncio.Queue(maxsize=1000)

    def tell(self, events: Sequence[Event]) -> None:
        """Never waits: when Redis is slow or away the followers find the events in the log."""
        if not self._outgoing.full():
            self._outgoing.put_nowait(events)

    async def publish(self) -> None:
        """Runs until cancelled; what was told while Redis was away is dropped."""
        while True:
            events = list(await self._outgoing.get())
            while not self._outgoing.empty():
                events += self._outgoing.get_nowait()
            try:
                await self._client.publish(CHANNEL, _encode(events))
            except LOST as error:
                log.warning("Redis is away, followers will look by themselves: %r", error)

    async def listen(self, hear: Callable[[Sequence[Event]], None], resubscribed: Callable[[], None]) -> None:
        """Runs until cancelled. After every (re)subscription anything may have been missed."""
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    resubscribed()
                    while True:
                        message = await pubsub.get_message(timeout=5)
                        if message:
                            hear(_decode(message["data"]))
            except LOST as error:
                log.warning("the subscription is lost: %r", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def answers(self) -> None:
        """The readiness probe."""
        await self._client.ping()

    async def aclose(self) -> None:
        await self._client.aclose()
