"""The counts of a process's caches, for whoever collects them."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.cache.counts import Counts


class CacheCollector(Collector):
    """Reads the numbers when somebody asks: counting costs a read no more than an addition."""

    def __init__(self, counts: Mapping[str, Counts]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        hits = CounterMetricFamily(
            "shop_cache_hits", "Reads answered without the database.", labels=["kind", "level"]
        )
        loads = CounterMetricFamily("shop_cache_loads", "Reads of the database.", labels=["kind"])
        refreshed = CounterMetricFamily(
            "shop_cache_refreshed", "Answers compared with their rows in time.", labels=["kind"]
        )
        away = CounterMetricFamily("shop_cache_away", "Looks that Redis did not answer.", labels=["kind"])
        ratio = GaugeMetricFamily("shop_cache_hit_ratio", "Hits among all reads.", labels=["kind"])
        for kind, seen in self._counts.items():
            for level in ("memory", "redis", "joined", "filter"):
                hits.add_metric([kind, level], getattr(seen, level))
            loads.add_metric([kind], seen.loads)
            refreshed.add_metric([kind], seen.refreshed)
            away.add_metric([kind], seen.away)
            ratio.add_metric([kind], seen.hit_ratio)
        yield from (hits, loads, refreshed, away, ratio)
