"""What a load has cost: counts before and after, less what the idle stack does in the same time. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.client import Json

Counts = Mapping[str, float]
"""Of things that only become more, by name."""


@dataclass(frozen=True)
class Sample:
    """All counts of one kind at one moment, in seconds of any clock."""

    at: float
    counts: Counts


Reading = Mapping[str, Sample]
"""By kind."""


@dataclass(frozen=True)
class Costs:
    """Of one kind: how much more within these seconds, and what of that comes by itself each second."""

    seconds: float
    more: Counts
    idle: Counts

    def of_the_load(self) -> dict[str, float]:
        """By name; what an idle stack does as well is left out."""
        return {name: more - self.idle.get(name, 0.0) * self.seconds for name, more in self.more.items()}


def between(before: Sample, after: Sample) -> dict[str, float]:
    """What is new counts from zero, and what is gone not at all."""
    return {name: count - before.counts.get(name, 0.0) for name, count in after.counts.items()}


def costs(rested: Reading, before: Reading, after: Reading) -> dict[str, Costs]:
    """From `rested` to `before` nothing was asked of the stack; the load came after `before`."""
    return {kind: cost(rested[kind], before[kind], sample) for kind, sample in after.items()}


def cost(rested: Sample, before: Sample, after: Sample) -> Costs:
    resting = before.at - rested.at
    idle = {name: more / resting for name, more in between(rested, before).items()} if resting > 0 else {}
    return Costs(after.at - before.at, between(before, after), idle)


MIXED = {"wal", "broker", "load_tool"}
"""Kinds whose names are of different things, which have no sum."""


def per_purchase(known: Mapping[str, Costs], purchases: int) -> Json:
    """Kind -> `total` and by name, the most first."""
    return {kind: ranked(kind, each.of_the_load(), purchases) for kind, each in known.items()}


def per_second_of_rest(known: Mapping[str, Costs]) -> Json:
    return {kind: ranked(kind, each.idle, 1) for kind, each in known.items()}


def totals(known: Mapping[str, Costs]) -> Json:
    """As they were counted, and within how many seconds."""
    return {
        kind: {"seconds": round(each.seconds, 2)} | ranked(kind, each.more, 1) for kind, each in known.items()
    }


def ranked(kind: str, counts: Counts, divisor: float) -> Json:
    """What rounds to nothing is left out."""
    shares = {name: round(count / divisor, 3) for name, count in counts.items()}
    shown = {name: share for name, share in shares.items() if share}
    by_size = sorted(shown.items(), key=lambda each: (-each[1], each[0]))
    total = {} if kind in MIXED else {"total": round(sum(counts.values()) / divisor, 3)}
    return total | dict(by_size)
