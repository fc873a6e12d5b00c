"""Counters and histograms for an event loop: one thread counts and the same one shows, so nothing is locked.

prometheus-client's own take a lock and look their labels up at every step, one and a half microseconds; a
purchase is counted some hundred times. Here whoever counts often keeps the series in hand: an addition, and
for a histogram a search among fifteen numbers.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

Labels = tuple[str, ...]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""From a statement to a deadline."""
BYTES = tuple(float(4**power) for power in range(3, 13))
"""From 64 B to 16 MiB."""


class Count:
    """One series of a counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, amount: int = 1) -> None:
        self.value += amount


class Counter(Collector):
    """`of` gives a series, made when it is first asked for; a caller with few of them keeps it."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        self.name, self.meaning, self.labels = name, meaning, labels
        self._series: dict[Labels, Count] = {}

    def of(self, *labels: str) -> Count:
        found = self._series.get(labels)
        if found is None:
            found = self._series[labels] = Count()
        return found

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, count in self._series.items():
            family.add_metric(labels, count.value)
        yield family


class Buckets:
    """One series of a histogram."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """What clocks that differ make negative took no time."""
        self.counts[bisect_left(self.bounds, value)] += times
        if value > 0:
            self.sum += value * times

    @property
    def count(self) -> int:
        return sum(self.counts)


class Histogram(Collector):
    """The same of times or sizes."""

    def __init__(
        self, name: str, meaning: str, labels: Sequence[str] = (), bounds: Sequence[float] = SECONDS
    ) -> None:
        self.name, self.meaning, self.labels, self.bounds = name, meaning, labels, bounds
        self._series: dict[Labels, Buckets] = {}

    def of(self, *labels: str) -> Buckets:
        found = self._series.get(labels)
        if found is None:
            found = self._series[labels] = Buckets(self.bounds)
        return found

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        for labels, seen in self._series.items():
            total, rising = 0, []
            for name, count in zip(names, seen.counts, strict=True):
                total += count
                rising.append((name, total))
            family.add_metric(labels, rising, seen.sum)
        yield family
