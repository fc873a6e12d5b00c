"""What waits in a service's database: the outbox and the dead letters, by one statement every few seconds.

The tables are told of as they are, by every replica alike: alert on the greatest, and add nothing up.
"""

import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.messaging.streams import CONSUMERS
from common.postgres.database import Database

KEPT_SECONDS = 5.0
MOST = 10_000
"""Unsent messages that are counted; where more wait, so many more are no news."""

# The rows come out of the index of what is unpublished.
WAITING = """
SELECT 'outbox' AS what, '' AS name, count(*) AS count,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS age
FROM (SELECT created_at FROM outbox WHERE published_at IS NULL ORDER BY created_at LIMIT $1) unsent
UNION ALL
SELECT 'letters', durable, count(*), 0 FROM dead_letter d
WHERE NOT EXISTS (
  SELECT FROM dead_letter_trail t WHERE t.letter_id = d.id AND t.action IN ('retried', 'discarded')
)
GROUP BY durable
"""


class Depths(Collector):
    """Nothing while the database is away: an old number would be a wrong one."""

    def __init__(self, db: Database, service: str) -> None:
        self._db = db
        self._none = {hears.durable: 0 for hears in CONSUMERS if hears.service == service}
        self._looked = -KEPT_SECONDS
        self._outbox: tuple[int, float] | None = None
        self._letters: dict[str, int] = {}

    async def refresh(self) -> None:
        if time.monotonic() - self._looked < KEPT_SECONDS:
            return
        self._outbox, self._letters = None, {}
        async with self._db.watch() as tx:
            rows = await tx.fetch(WAITING, MOST)
        self._looked = time.monotonic()
        self._letters = self._none | {row["name"]: row["count"] for row in rows if row["what"] == "letters"}
        [self._outbox] = [(row["count"], row["age"]) for row in rows if row["what"] == "outbox"]

    def collect(self) -> Iterator[Metric]:
        letters = GaugeMetricFamily(
            "shop_open_dead_letters", "Dead letters that wait for somebody.", labels=["durable"]
        )
        for durable, count in self._letters.items():
            letters.add_metric([durable], count)
        yield letters
        if self._outbox is not None:
            count, age = self._outbox
            yield GaugeMetricFamily("shop_outbox_unsent", f"Messages not sent, {MOST} at most.", value=count)
            yield GaugeMetricFamily("shop_outbox_oldest_seconds", "Since the oldest of them.", value=age)
