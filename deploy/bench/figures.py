"""What was measured, as it is printed."""

import statistics
from collections import Counter
from collections.abc import Sequence

from deploy.bench.buyers import Measured
from deploy.bench.processes import Peaks
from deploy.client import Json

MIB = 1024**2


def latencies(measured: Measured, seconds: float) -> Json:
    """What the clients saw."""
    kinds = Counter(kind for kind, _ in measured.decided.values())
    count = len(measured.decided)
    return {
        "purchases": count,
        "outcomes": dict(kinds),
        "refused": dict(measured.refused),
        "seconds": round(seconds, 3),
        "purchases_per_second": round(count / seconds, 1) if seconds else 0.0,
        "post_ms": quantiles(measured.accepted),
        "accept_to_decided_ms": quantiles(measured.durations()),
        "decision_to_client_ms": quantiles(measured.told),
    }


def memory(peaks: Peaks) -> Json:
    """The most at one moment; by process the most at any, so that these may be more than the total."""
    by_size = sorted(peaks.by_process.items(), key=lambda each: -each[1])
    return {"total": mib(peaks.together)} | {name: mib(size) for name, size in by_size}


def mib(size: float) -> float:
    return round(size / MIB, 1)


def quantiles(values: Sequence[float]) -> Json:
    """In milliseconds; nothing of nothing."""
    if not values:
        return {}
    known = values if len(values) > 1 else [*values, *values]
    cuts = statistics.quantiles(known, n=100, method="inclusive")
    return {name: round(1000 * cuts[cut - 1], 1) for name, cut in (("p50", 50), ("p95", 95), ("p99", 99))}
