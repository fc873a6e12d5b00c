"""Purchases and event streams in numbers."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.ids import made_at
from common.metrics.instruments import Counter, Histogram
from purchase.model import Outcome, Status

BOUNDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0)
REASONS = frozenset(
    {
        *("account_inactive", "cancelled_by_customer", "card_declined", "currency_mismatch", "deadline"),
        *("insufficient_stock", "limit_exceeded", "unknown_product"),
    }
)
OTHER = "other"
"""Whatever else a participant says no with: a label is none of its words."""


class PurchaseMeasures(Collector):
    """Counted where they are decided, after the commit. An id tells when its purchase was accepted."""

    def __init__(self) -> None:
        self.accepted = Counter("shop_purchases_accepted", "Answered 202 for the first time.")
        self.driven = Counter("shop_purchases_driven_again", "Told again for want of progress (P10).")
        self.stuck = Counter("shop_purchases_stuck", "Driven again and again, and not settled.")
        self._reasons = Counter("shop_purchases_undone", "Decided against, by reason.", ("reason",))
        self._seconds = Histogram(
            "shop_purchase_duration_seconds",
            "From the acceptance of a purchase.",
            ("until", "outcome"),
            BOUNDS,
        )
        for each in (self.accepted, self.driven, self.stuck):
            each.of()

    def note(self, outcomes: Sequence[Outcome]) -> None:
        now = time.time()
        for outcome in outcomes:
            row = outcome.row
            if row.status is Status.PENDING:
                continue
            seconds, ended = now - made_at(row.id), row.status.lower()
            if outcome.said:
                self._seconds.of("decided", ended).observe(seconds)
                if row.reason:
                    self._reasons.of(row.reason if row.reason in REASONS else OTHER).add()
            if row.is_settled:
                self._seconds.of("settled", ended).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        for each in (self.accepted, self.driven, self.stuck, self._reasons, self._seconds):
            yield from each.collect()


class Streams(Protocol):
    """Who follows what, and how many events went out."""

    @property
    def open(self) -> Mapping[str, int]: ...

    @property
    def sent(self) -> int: ...


class StreamMeasures(Collector):
    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        streams = GaugeMetricFamily("shop_sse_streams", "Event streams that are open.", labels=["of"])
        for of, count in self._streams.open.items():
            streams.add_metric([of], count)
        yield streams
        yield CounterMetricFamily("shop_sse_events_sent", "To all of them.", value=self._streams.sent)
