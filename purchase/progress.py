"""Redis pub/sub: a wake-up between the replicas, at most once. Losing it costs time, never an event."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

import msgspec
from opentelemetry.trace import SpanKind

from common.redis import LOST, Bell
from common.telemetry import spans
from purchase.event_log import Event

log = logging.getLogger(__name__)

CHANNEL = "purchase:events:2"
"""The number is the format's: a release with another one rings elsewhere, and both look into the log."""

RETRY_SECONDS = 0.5

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Event]).decode


def _span(_: int) -> tuple[str, spans.Attributes]:
    return f"PUBLISH {CHANNEL}", {"db.system.name": "redis", "db.operation.name": "PUBLISH"}


class Progress:
    """One subscription and one publisher per process."""

    def __init__(self, url: str, *, cluster: bool) -> None:
        self._bell = Bell(url, CHANNEL, cluster=cluster)
        self._mine = secrets.token_bytes(8)
        """Before whatever this process says: its own followers have heard it already."""
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
                with spans.shared(list({each.traceparent: None for each in events}), _span, SpanKind.CLIENT):
                    await self._bell.ring(self._mine + _encode(events))
            except LOST as error:
                log.warning("Redis is away, followers will look by themselves: %r", error)

    async def listen(self, hear: Callable[[Sequence[Event]], None], resubscribed: Callable[[], None]) -> None:
        """Runs until cancelled. After every (re)subscription anything may have been missed."""
        while True:
            try:
                async with self._bell.listening() as rings:
                    resubscribed()
                    async for ring in rings:
                        if not ring.startswith(self._mine):
                            self._hear(ring, hear, resubscribed)
            except LOST as error:
                log.warning("the subscription is lost: %r", error)
                await asyncio.sleep(RETRY_SECONDS)

    def _hear(self, ring: bytes, hear: Callable[[Sequence[Event]], None], missed: Callable[[], None]) -> None:
        """What nobody understands means something all the same: the log knows what."""
        try:
            events = _decode(memoryview(ring)[len(self._mine) :])
        except msgspec.DecodeError:
            missed()
        else:
            hear(events)

    async def answers(self) -> None:
        """The readiness probe."""
        await self._bell.answers()

    async def aclose(self) -> None:
        await self._bell.aclose()
