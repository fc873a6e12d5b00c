"""Pages of metrics, read: what was counted, by name and labels."""

import http.client
import math
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 3.0

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Page:
    """One process at one moment; an empty one does not answer."""

    samples: Mapping[tuple[str, Labels], float] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        return bool(self.samples)

    def sum(self, name: str, **where: str) -> float:
        return sum(self._found(name, where), 0.0)

    def most(self, name: str, **where: str) -> float:
        return max(self._found(name, where), default=0.0)

    def _found(self, name: str, where: Mapping[str, str]) -> Iterator[float]:
        wanted = where.items()
        return (
            value for (known, labels), value in self.samples.items() if known == name and wanted <= labels
        )

    def less(self, before: "Page") -> "Page":
        """What has been added since, by the rule of counters: less than before is a new beginning."""
        known = before.samples
        return Page(
            {
                key: value - known[key] if value >= known.get(key, math.inf) else value
                for key, value in self.samples.items()
            }
        )

    def buckets(self, name: str, **where: str) -> dict[float, float]:
        """Of a histogram: bound -> how many were not above it, over all series that match."""
        found: dict[float, float] = {}
        for (known, labels), value in self.samples.items():
            if known == f"{name}_bucket" and where.items() <= labels:
                bound = float(dict(labels)["le"])
                found[bound] = found.get(bound, 0.0) + value
        return found


def read(text: str) -> Page:
    return Page(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


def ask(port: int) -> Page:
    """Who does not answer is told by an empty page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        return read(answer.read().decode()) if answer.status == http.HTTPStatus.OK else Page()
    except (OSError, http.client.HTTPException, ValueError):
        return Page()
    finally:
        connection.close()


def ask_all(ports: Mapping[str, int]) -> dict[str, Page]:
    """All at once, by process."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return dict(zip(ports, pool.map(ask, ports.values()), strict=True))


def quantile(share: float, buckets: Iterable[dict[float, float]]) -> float | None:
    """The bound below which that share is, over several histograms; None where nothing was counted."""
    together: dict[float, float] = {}
    for each in buckets:
        for bound, count in each.items():
            together[bound] = together.get(bound, 0.0) + count
    bounds = sorted(together)
    whole = together.get(math.inf, 0.0)
    if whole <= 0:
        return None
    return next(bound for bound in bounds if together[bound] >= share * whole)
