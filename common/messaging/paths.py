"""Which way a message about a purchase has come, and how long it dwelt where: the last hops, in a header.

Whoever handles a message remembers its way for a while, and whoever publishes what follows from it says the
way on. So the arbiter, which hears every second word of a saga, learns of all hops, and nobody asks or writes
more for that. What it has heard or said itself begins a new way, as it knows the one before. Ways are kept in
memory alone: what a crash interrupts begins anew, with fewer hops to tell of.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from common.contracts.message import PurchaseMessage, subject
from common.messaging.codec import words
from common.messaging.streams import CONSUMERS, SPEAKERS

HEADER = "Shop-Path"
"""Hops, then when the message itself was said: `subject,consumer,said,outbox,stream,queue;...;said`, in
microseconds, the last three of a hop as durations."""

MOST_HOPS = 3
"""Before the last one: from what the arbiter has heard to what it hears next there are no more."""
MOST_KEPT = 1024
MOST_CHARACTERS = 500

OF_PURCHASES = frozenset(subject(word) for word in words(*SPEAKERS) if issubclass(word, PurchaseMessage))

ARBITER = "purchase"
SAID_THERE = frozenset(each for each in OF_PURCHASES if each.startswith(f"evt.{ARBITER}."))
HEARD_THERE = frozenset(
    each
    for hears in CONSUMERS
    if hears.durable == ARBITER
    for each in OF_PURCHASES
    if each.rpartition(".")[0] in hears.under or each in map(subject, hears.words)
)
KNOWN_THERE = SAID_THERE | HEARD_THERE


class Arrived(Protocol):
    """A message as it came; the times are seconds since 1970."""

    @property
    def stored(self) -> float: ...

    @property
    def arrived(self) -> float: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class Leaving(Protocol):
    """A message as it goes."""

    @property
    def subject(self) -> str: ...

    @property
    def causation_id(self) -> str | None: ...

    @property
    def said(self) -> float: ...


class Hop(NamedTuple):
    """One message and one who heard it. What it dwelt: until it was stored, delivered, and taken in hand."""

    subject: str
    consumer: str
    said: datetime
    outbox: timedelta
    stream: timedelta
    queue: timedelta

    @property
    def began(self) -> datetime:
        return self.said + self.outbox + self.stream + self.queue


class Paths:
    """The ways of what this process has heard lately, by the ids of messages."""

    def __init__(self) -> None:
        self.is_on = True
        self._known: OrderedDict[str, str] = OrderedDict()

    def to(self, consumer: str, subject: str) -> "Hearing | None":
        """Who hears such a message here; None where it is about no purchase."""
        return Hearing(self, consumer, subject) if subject in OF_PURCHASES else None

    def remember(self, message_id: str, way: str) -> None:
        self._known[message_id] = way
        if len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)

    def of(self, message_id: str | None) -> str:
        """Its hops, with the one to this process; nothing where that is not known."""
        return self._known.get(message_id or "", "")

    def onward(self, message: Leaving) -> str:
        """The header of what is said; nothing where there is nothing to tell."""
        if not (self.is_on and message.said) or message.subject not in OF_PURCHASES:
            return ""
        before = "" if message.subject in SAID_THERE else self.of(message.causation_id)
        said = int(message.said * 1e6)
        return f"{before};{said}" if before else str(said)


class Hearing:
    """One consumer of one subject: what is the same of all that comes there is worked out once."""

    __slots__ = ("_goes_on", "_hop", "_paths")

    def __init__(self, paths: Paths, consumer: str, subject: str) -> None:
        self._paths = paths
        self._hop = f"{subject},{consumer}"
        self._goes_on = consumer == ARBITER or subject not in KNOWN_THERE

    def heard(self, message: Arrived, began: float) -> None:
        """What comes from elsewhere is believed as far as it is short and harmless."""
        headers = message.headers
        trail, _, said = headers.get(HEADER, "").rpartition(";")
        if not said.isdecimal():
            return
        since = int(said[:17])
        stored, arrived = max(since, int(message.stored * 1e6)), int(message.arrived * 1e6)
        arrived = max(stored, arrived)
        queue = max(0, int(began * 1e6) - arrived)
        way = f"{self._hop},{since},{stored - since},{arrived - stored},{queue}"
        if trail and self._goes_on:
            if not _is_harmless(trail):
                return
            way = f"{_end(trail)};{way}"
        self._paths.remember(headers.get("Nats-Msg-Id", ""), way)


def _is_harmless(trail: str) -> bool:
    return len(trail) <= MOST_CHARACTERS and trail.isascii() and trail.isprintable()


def _end(trail: str) -> str:
    """Its last hops."""
    return trail if trail.count(";") < MOST_HOPS else ";".join(trail.split(";")[-MOST_HOPS:])


def hops(path: str) -> Iterator[Hop]:
    """In their order; what is no hop is left out."""
    for text in path.split(";"):
        parts = text.split(",")
        if len(parts) != len(Hop._fields) or not all(part.isdecimal() for part in parts[2:]):
            continue
        said, *dwelt = (min(int(part), 2**53) for part in parts[2:])
        yield Hop(
            parts[0],
            parts[1],
            datetime.fromtimestamp(said / 1e6, UTC),
            *(timedelta(microseconds=each) for each in dwelt),
        )
