"""A pool in numbers, by the conventions of OpenTelemetry."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.postgres.database import Database


class PoolMeasures(Collector):
    """Read when somebody asks."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def collect(self) -> Iterator[Metric]:
        pool = self._db.pool
        idle, size = pool.get_idle_size(), pool.get_size()
        count = GaugeMetricFamily("db_client_connections", "Of the pool.", labels=["state"])
        count.add_metric(["idle"], idle)
        count.add_metric(["used"], size - idle)
        yield count
        yield GaugeMetricFamily("db_client_connections_max", "As many may be.", value=pool.get_max_size())
        yield GaugeMetricFamily(
            "db_client_connections_pending_requests", "That wait for one.", value=self._db.waiting
        )
        yield CounterMetricFamily(
            "db_client_connections_timeouts", "That waited in vain.", value=self._db.timeouts
        )
        yield GaugeMetricFamily(
            "shop_database_up", "0 while the database is away.", value=not self._db.outage.is_known
        )
