"""The process: processor time, memory, open files, how late its loop is; and which it is."""

import asyncio
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from common.metrics.instruments import Histogram

BEAT_SECONDS = 1.0


class ProcessMeasures(Collector):
    """`process_cpu_seconds_total` and its neighbours: prometheus-client's, where the system tells them."""

    def __init__(self, **who: str) -> None:
        self._who = who
        self._process = ProcessCollector(registry=CollectorRegistry())
        self.late = Histogram("shop_event_loop_delay_seconds", "How much later than asked for a timer came.")
        self._late = self.late.of()

    async def beat(self) -> None:
        """Runs until cancelled: what keeps the loop from its timers keeps it from everybody."""
        while True:
            due = time.perf_counter() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._late.observe(time.perf_counter() - due)

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("target_info", "Which process this is.", labels=list(self._who))
        info.add_metric(list(self._who.values()), 1)
        yield info
        yield from self._process.collect()
        yield from self.late.collect()
