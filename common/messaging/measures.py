"""What a process counts of its messages: how many, of which kind, and how long each dwelt where.

One object per connection to the broker. The subject is a word that the contracts know, or `other`: a label
never says what somebody sent.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import NamedTuple, Protocol

from nats.js.api import StreamInfo
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.contracts.message import subject
from common.messaging.codec import words
from common.messaging.paths import Arrived, Leaving, Paths
from common.messaging.streams import SPEAKERS
from common.metrics.instruments import Buckets, Count, Counter, Histogram

SUBJECT = attrgetter("subject")
SUBJECTS = frozenset(subject(word) for word in words(*SPEAKERS))
OTHER = "other"

OUTBOX, STREAM, QUEUE, HANDLER = "outbox", "stream", "queue", "handler"
"""From what is said to the ack of the stream; from there to a process; there, until somebody has a hand free;
and in hand, until the commit. Of the orchestrator, which has no outbox, the first is its publishing."""


class Delivered(Arrived, Protocol):
    """A message as a consumer has it."""

    subject: str
    deliveries: int
    pending: str


class Lag(NamedTuple):
    """What a consumer has not done: in the stream, as it was told last, and here; and since when, at most."""

    pending: int
    waiting: int
    oldest_stored: float | None


class Measures(Collector):
    """Of all consumers and the publisher of one process."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.is_on = True
        self.stream: StreamInfo | None = None
        self.dwell = Histogram(
            "shop_message_dwell_seconds",
            "How long messages stayed where.",
            ("stage", "consumer", "subject"),
        )
        self.unpublished = Counter(
            "shop_messages_unpublished", "Publishings that the stream did not confirm.", ("subject",)
        )
        by = ("consumer", "subject")
        self.received = Counter("shop_messages_received", "Deliveries to a process.", by)
        self.redelivered = Counter("shop_messages_redelivered", "Deliveries that were not the first.", by)
        self.failed = Counter("shop_messages_failed", "Attempts alone that a handler did not survive.", by)
        self.parked = Counter("shop_messages_parked", "Messages that became dead letters.", by)
        self.consumers: dict[str, ConsumerMeasures] = {}
        self._said: dict[str, tuple[Buckets, Count]] = {}

    def of(self, consumer: str, lag: Callable[[], Lag]) -> "ConsumerMeasures":
        made = self.consumers[consumer] = ConsumerMeasures(self, consumer, lag)
        return made

    def published(self, messages: Sequence[Leaving], stored: Sequence[bool]) -> None:
        """Of one flight, whose acks are in."""
        if not self.is_on:
            return
        now = time.time()
        for message, is_stored in zip(messages, stored, strict=True):
            dwelt, failed = self._said.get(message.subject) or self._said_on(message.subject)
            if not is_stored:
                failed.value += 1
            elif message.said:
                dwelt.observe(now - message.said)

    def _said_on(self, where: str) -> tuple[Buckets, Count]:
        made = (self.dwell.of(OUTBOX, "", known(where)), self.unpublished.of(known(where)))
        if where in SUBJECTS:
            self._said[where] = made
        return made

    def collect(self) -> Iterator[Metric]:
        counters = (self.received, self.redelivered, self.failed, self.parked, self.unpublished)
        for each in (self.dwell, *counters):
            yield from each.collect()
        yield from self._lags()
        if self.stream is not None:
            yield _gauge("shop_stream_bytes", "What the stream holds.", self.stream.state.bytes)
            yield _gauge("shop_stream_max_bytes", "At which it refuses.", self.stream.config.max_bytes or 0)
            yield _gauge("shop_stream_messages", "That the stream holds.", self.stream.state.messages)

    def _lags(self) -> Iterator[Metric]:
        now = time.time()
        pending = GaugeMetricFamily(
            "shop_consumer_pending", "In the stream, when the last message came.", labels=["consumer"]
        )
        waiting = GaugeMetricFamily("shop_consumer_waiting", "Fetched and not done.", labels=["consumer"])
        oldest = GaugeMetricFamily(
            "shop_consumer_oldest_seconds", "Since the oldest of these was stored.", labels=["consumer"]
        )
        for name, each in self.consumers.items():
            lag = each.lag()
            pending.add_metric([name], lag.pending)
            waiting.add_metric([name], lag.waiting)
            oldest.add_metric([name], max(0.0, now - lag.oldest_stored) if lag.oldest_stored else 0.0)
        yield from (pending, waiting, oldest)


class Connection(Protocol):
    """To the broker."""

    reconnections: int
    refusals: int

    @property
    def up(self) -> bool: ...


class BrokerMeasures(Collector):
    """The connection in numbers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def collect(self) -> Iterator[Metric]:
        of = self._connection
        yield _gauge("shop_broker_up", "0 while the broker is away.", of.up)
        yield CounterMetricFamily("shop_broker_reconnections", "Of the connection.", value=of.reconnections)
        yield CounterMetricFamily("shop_broker_refusals", "For want of a right.", value=of.refusals)


class Series:
    """All of one consumer and subject, in hand: asked for once per message."""

    __slots__ = ("failed", "handler", "hearing", "parked", "queue", "received", "redelivered", "stream")

    def __init__(self, measures: Measures, consumer: str, where: str) -> None:
        self.received = measures.received.of(consumer, where)
        self.redelivered = measures.redelivered.of(consumer, where)
        self.failed = measures.failed.of(consumer, where)
        self.parked = measures.parked.of(consumer, where)
        self.stream = measures.dwell.of(STREAM, consumer, where)
        self.queue = measures.dwell.of(QUEUE, consumer, where)
        self.handler = measures.dwell.of(HANDLER, consumer, where)
        self.hearing = measures.paths.to(consumer, where)


class ConsumerMeasures:
    """Of one consumer."""

    def __init__(self, measures: Measures, consumer: str, lag: Callable[[], Lag]) -> None:
        self._measures = measures
        self._consumer = consumer
        self._lag = lag
        self._pending = 0
        self._series: dict[str, Series] = {}
        self._held: dict[int, tuple[int, float]] = {}

    def lag(self) -> Lag:
        here = self._lag()
        held = [oldest for _, oldest in self._held.values()]
        oldest = min((each for each in (*held, here.oldest_stored) if each), default=None)
        return Lag(self._pending, here.waiting + sum(count for count, _ in self._held.values()), oldest)

    @contextmanager
    def holding(self, batch: Sequence[Delivered]) -> Iterator[None]:
        """While it is in hand."""
        self._pending = int(batch[-1].pending)
        self._held[id(batch)] = (len(batch), min(each.stored for each in batch))
        try:
            yield
        finally:
            del self._held[id(batch)]

    def received(self, batch: Sequence[Delivered]) -> None:
        """A message that comes again is counted; it has dwelt with whoever had it before."""
        if not self._measures.is_on:
            return
        now = time.time()
        for each in batch:
            series = self._series.get(each.subject) or self.of(each.subject)
            series.received.value += 1
            if each.deliveries > 1:
                series.redelivered.value += 1
            else:
                series.stream.observe(each.arrived - each.stored)
                series.queue.observe(now - each.arrived)
            if series.hearing is not None:
                series.hearing.heard(each, now)

    def handled(self, batch: Sequence[Delivered], seconds: float) -> None:
        """Each of a batch took as long as all."""
        if not self._measures.is_on:
            return
        for where, count in Tally(map(SUBJECT, batch)).items():
            self.of(where).handler.observe(seconds, count)

    def of(self, where: str) -> Series:
        found = self._series.get(where)
        if found is None:
            found = Series(self._measures, self._consumer, known(where))
            if where in SUBJECTS:
                self._series[where] = found
        return found


def known(where: str) -> str:
    return where if where in SUBJECTS else OTHER


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)
