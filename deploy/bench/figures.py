"""What was measured, as it is printed."""

import statistics
from collections import Counter
from collections.abc import Sequence

from deploy.bench.buyers import Measured
from deploy.client import Json


def report(measured: Measured, seconds: float, settled: float, wrong: list[str]) -> Json:
    durations = sorted(measured.durations())
    kinds = Counter(kind for kind, _ in measured.decided.values())
    return {
        "purchases": len(durations),
        "outcomes": dict(kinds),
        "seconds": round(seconds, 3),
        "purchases_per_second": round(len(durations) / seconds, 1),
        "post_ms": quantiles(measured.accepted),
        "accept_to_decided_ms": quantiles(durations),
        "decision_to_client_ms": quantiles(measured.told),
        "settled_after_load_seconds": round(settled, 2),
        "wrong": wrong,
    }


def quantiles(values: Sequence[float]) -> Json:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {name: round(1000 * cuts[cut - 1], 1) for name, cut in (("p50", 50), ("p95", 95), ("p99", 99))}
