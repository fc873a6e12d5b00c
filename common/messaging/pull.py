"""A pull loop of our own: one request ahead of the work, renewed after silence, reconnection and loss.

nats-py's `fetch(batch > 1)` asks in two phases and has been seen to stall (nats.py #933, #986).
"""

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from itertools import count
from typing import Protocol

import msgspec
import nats
from nats.aio.subscription import Subscription

from common.messaging.broker import Broker
from common.messaging.measures import Lag
from common.messaging.streams import ABOUT_PURCHASES, STREAM
from common.messaging.wire import frame, headers, status

log = logging.getLogger(__name__)

EXPIRES = 30.0
HEARTBEAT = 2.0
AGAIN = 0.25
"""Seconds from a refused request to the next: while a cluster elects a leader each is refused at once."""


class Received(Protocol):
    """What handling a message needs of it, wherever it comes from."""

    @property
    def subject(self) -> str: ...

    @property
    def payload(self) -> bytes: ...

    def header(self, name: str) -> str | None: ...


class Delivery:
    """One message as it came, with the number of times it has been delivered (1 at first).

    Read from the ack subject: `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>...`, or with domain and
    account hash before the stream (v2).
    """

    __slots__ = (
        "arrived",
        "deliveries",
        "headers",
        "payload",
        "pending",
        "reply",
        "sequence",
        "stored",
        "subject",
    )

    def __init__(self, subject: str, reply: str, head: bytes, payload: bytes) -> None:
        self.subject = subject
        self.reply = reply
        self.headers = headers(head)
        self.payload = payload
        tokens = reply.split(".")
        told = tokens[4:9] if len(tokens) == 9 else tokens[6:11]
        deliveries, self.sequence, _, stored, self.pending = told
        self.deliveries = int(deliveries)
        self.stored = int(stored) / 1e9
        """When the stream had it, by the broker's clock; seconds since 1970."""
        self.arrived = time.time()

    @property
    def name(self) -> str:
        """The message's id; of a message without one, its place in the stream."""
        return self.header("Nats-Msg-Id") or f"{self.subject}:{self.sequence}"

    @property
    def purchase_id(self) -> str | None:
        """What it is about, if it is a word of a saga."""
        return self.header("Correlation-Id") if self.subject in ABOUT_PURCHASES else None

    def header(self, name: str) -> str | None:
        return self.headers.get(name)


class Puller:
    """Fills a queue from a durable consumer; at most two batches are ahead of the work.

    A narrow one asks for one message at a time, when nothing else is in hand. So it begins, and goes on until
    a message comes for the first time: the broker hands out first what comes again.
    """

    def __init__(self, broker: Broker, durable: str, *, batch_size: int) -> None:
        self.broker = broker
        self.durable = durable
        self.batch_size = batch_size
        self.waiting: deque[Delivery] = deque()
        self.is_narrow = True
        self._in_hand = 0
        self._arrived = asyncio.Event()
        self._inboxes = (f"{broker.inbox_prefix}.pull.{durable}.{number}" for number in count())
        self._inbox = ""
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{durable}"
        self._requests = count()
        self._current = ""
        self._missing = 0
        self._is_refused = False
        self._heard = 0.0
        self._subscription: Subscription | None = None
        broker.on_reconnect(self._restart)

    async def batch(self) -> list[Delivery]:
        """Waits for the first message, then takes what is there: never waits to fill.

        What it returns is in hand until `done` is told of it.
        """
        while not self.waiting:
            self._arrived.clear()
            await self._ask()
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._arrived.wait()
            except TimeoutError:
                self._check_silence()
        most = 1 if self.is_narrow else self.batch_size
        taken = [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]
        self._in_hand += len(taken)
        if taken[0].deliveries == 1:
            self.is_narrow = False
        await self._ask()
        return taken

    def lag(self) -> Lag:
        """What has been fetched and waits."""
        return Lag(0, len(self.waiting), self.waiting[0].stored if self.waiting else None)

    def done(self, count: int) -> None:
        """So many are no longer in hand: handled, or given back."""
        self._in_hand -= count
        self._arrived.set()

    async def narrow(self) -> list[Delivery]:
        """Becomes narrow, and ends the request that is ahead; returns what that has brought."""
        self.is_narrow = True
        if self._subscription is not None:
            ended, self._subscription = self._subscription, None
            with suppress(nats.errors.Error, TimeoutError):
                await ended.drain()  # type: ignore[no-untyped-call]  # nats-py's
        self._missing = 0
        return self._emptied()

    async def stop(self) -> list[Delivery]:
        """Takes no more; returns what was queued and nobody will handle here."""
        if self._subscription is not None and self.broker.up:
            await self._subscription.unsubscribe()
        return self._emptied()

    def _emptied(self) -> list[Delivery]:
        queued = list(self.waiting)
        self.waiting.clear()
        return queued

    @property
    def _wanted(self) -> int:
        if self.is_narrow:
            return 0 if self.waiting or self._in_hand else 1
        return self.batch_size if len(self.waiting) < self.batch_size else 0

    async def _ask(self) -> None:
        """One request at a time, and only while less than a batch is waiting."""
        if self._missing > 0 or not self._wanted:
            return
        self._missing = self._wanted
        self._heard = time.monotonic()
        request = {"expires": int(EXPIRES * 1e9), "idle_heartbeat": int(HEARTBEAT * 1e9)}
        payload = msgspec.json.encode(request | {"batch": self._missing})
        client = await self.broker.ready()
        if (
            self._subscription is None
        ):  # under a name of its own: a request that was ended stays without a hearer
            self._inbox = next(self._inboxes)
            self._subscription = await client.hear(f"{self._inbox}.*", self._on_message)
        self._current = f"{self._inbox}.{next(self._requests)}"
        with suppress(nats.errors.Error):  # not sent: the silence will be noticed
            await client.send([frame(self._subject, payload, self._current)])

    def _on_message(self, subject: str, reply: str, head: bytes, payload: bytes) -> None:
        self._heard = time.monotonic()
        if reply:
            self._missing -= 1
            self._is_refused = False
            self.waiting.append(Delivery(subject, reply, head, payload))
            self._arrived.set()
        elif subject == self._current:
            self._on_status(head)

    def _on_status(self, head: bytes) -> None:
        """A heartbeat, or the end of the current request: at its term, or by force."""
        said = status(head)
        if said == "100":
            self._is_refused = False
            return
        self._missing = 0
        if said in {"404", "408"}:
            self._arrived.set()
            return
        if not self._is_refused:
            log.warning("pull by %s ended, and is repeated: %r", self.durable, head)
        self._is_refused = True
        asyncio.get_running_loop().call_later(AGAIN, self._arrived.set)

    def _check_silence(self) -> None:
        if self._missing > 0 and time.monotonic() - self._heard > 2 * HEARTBEAT:
            log.warning("no heartbeat for %s; asking again", self.durable)
            self._missing = 0

    def _restart(self) -> None:
        self._missing = 0
        self._arrived.set()
