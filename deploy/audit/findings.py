"""What an audit asks, and what it can find."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

MOST_KEPT = 1000
"""Of each invariant: what is more is only counted."""


@dataclass(frozen=True)
class Bounds:
    """How long things may take before it is a violation that they are not done. Seconds."""

    settle: float = 60.0
    """From the decision until everybody has confirmed it, and from a word's publication until it is heard."""
    late: float = 2.0
    """A purchase may be PENDING beyond its deadline (one sweep, one batch)."""
    unsent: float = 60.0
    """The oldest row of an outbox may wait for the broker."""
    hours: float = 1.0
    """How far back outboxes and inboxes are compared."""
    is_closed: bool = False
    """Everything has come to its end: mails are sent, and nothing lies with the dead letters."""


CLOSED = Bounds(settle=0.0, late=0.0, unsent=5.0, hours=24.0, is_closed=True)
"""The books at the end of a campaign."""

HEARD_WITHIN = 10.0
"""Even then a word may still be on its way."""


class Key(NamedTuple):
    """What makes two findings of two looks the same one."""

    invariant: str
    about: str
    what: str


@dataclass(frozen=True)
class Finding:
    """One invariant that does not hold for one thing; `seen` are figures, which may differ at each look."""

    invariant: str
    about: str
    what: str
    seen: str = ""
    purchase: UUID | None = None

    @property
    def key(self) -> Key:
        return Key(self.invariant, self.about, self.what)

    def __str__(self) -> str:
        return f"{self.invariant}: {self.about} {self.what}" + (f" ({self.seen})" if self.seen else "")


@dataclass
class Findings:
    """Bounded, however much is wrong."""

    kept: dict[Key, Finding] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, findings: Iterable[Finding]) -> None:
        for each in findings:
            if each.key not in self.kept:
                self.counts[each.invariant] += 1
                if self.counts[each.invariant] <= MOST_KEPT:
                    self.kept[each.key] = each

    def confirmed(self, before: "Findings") -> "Findings":
        """What was there at both looks."""
        kept = {key: each for key, each in self.kept.items() if key in before.kept}
        both = Counter(each.invariant for each in kept.values())
        more = {name for name, count in self.counts.items() if min(count, before.counts[name]) > MOST_KEPT}
        return Findings(kept, both | Counter({name: self.counts[name] for name in more}))


class Totals(NamedTuple):
    """What was compared."""

    purchases: Mapping[str, int]
    """By status."""
    owed: int
    """The sum of what completed, in minor units."""
    taken: int
    """What the provider took for it."""
    open: int
    """Decided, and not settled yet."""
    oldest_pending: float
    oldest_open: float
    words: int
    """Of the outboxes, within the window."""


class State(NamedTuple):
    """Of one service's messages."""

    oldest_unsent: float
    letters: int


@dataclass(frozen=True)
class Report:
    """What one audit found."""

    findings: Findings
    totals: Totals
    services: Mapping[str, State]
    seconds: float

    @property
    def is_clean(self) -> bool:
        return not self.findings.kept

    @property
    def in_order(self) -> list[Finding]:
        """By invariant, then in the order in which they were found."""
        return sorted(self.findings.kept.values(), key=lambda each: int(each.invariant[1:]))

    @property
    def first_purchase(self) -> UUID | None:
        """The oldest that something is wrong with: ids begin with their time."""
        return min((each.purchase for each in self.findings.kept.values() if each.purchase), default=None)
