"""The way of a purchase from word to word: when each was said, on the stream, and answered. Pure.

Nobody writes down when he heard something; but whoever answers dates his answer by the beginning of the
transaction in which he heard it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.contracts.message import subject
from common.contracts.purchase import FailPurchase
from common.messaging.streams import CONSUMERS
from deploy.audit.moments import Word, speaker
from deploy.audit.words import matches
from orchestrator.purchase import PURCHASE

ARBITER, ORCHESTRATOR = "purchase", "orchestrator"

FOLLOWING: Mapping[str, frozenset[str]] = {
    **{subject(event): frozenset(map(subject, said)) for event, said in PURCHASE.following.items()},
    **{subject(refusal): frozenset({subject(FailPurchase)}) for refusal in PURCHASE.refusals},
}
"""What the orchestrator says to what it hears."""

DECISIONS: Mapping[str, str] = {
    subject(PURCHASE.complete): subject(PURCHASE.completed),
    subject(FailPurchase): subject(PURCHASE.cancelled),
}
"""What the arbiter says to what it is asked."""

FORWARD: Sequence[str] = [
    subject(PURCHASE.started),
    *(subject(word) for step in PURCHASE.steps for word in (step.command, step.done)),
    subject(PURCHASE.complete),
]
"""Word after word, until it is decided that it is completed."""


@dataclass(frozen=True)
class Hop:
    """One word on its way to one of those who hear it."""

    word: Word
    receiver: str
    said_at: datetime
    answered_at: datetime | None
    is_awaited: bool
    """Whether the receiver has anything to say to it."""

    @property
    def streamed_at(self) -> datetime | None:
        """None: it is not on the stream, as far as anybody can tell."""
        return self.word.streamed_at or self.word.published_at

    @property
    def is_heard(self) -> bool | None:
        """None: the receiver keeps no record of what it heard."""
        known = self.receiver in self.word.heard_by or self.answered_at is not None
        return known or (None if self.receiver == ORCHESTRATOR else False)

    @property
    def until(self) -> datetime:
        """As far as it got."""
        return max(filter(None, (self.said_at, self.streamed_at, self.answered_at)))


def hops(words: Iterable[Word]) -> list[Hop]:
    """In the order in which they began; a word whose time nobody knows is left out."""
    known = {word.id: word for word in words}
    found = [hop for word in known.values() if word.at for hop in _of(word, word.at, known)]
    return sorted(found, key=lambda hop: (hop.said_at, hop.until))


def _of(word: Word, at: datetime, known: Mapping[str, Word]) -> Iterator[Hop]:
    for hears in CONSUMERS:
        if any(matches(word.subject, wanted) for wanted in hears.filters) and hears.durable == hears.service:
            answers = _answers(word, hears.service, known)
            times = [each.at for each in answers or () if each.at]
            yield Hop(word, hears.service, at, min(times, default=None), answers is not None)


def _answers(word: Word, receiver: str, known: Mapping[str, Word]) -> list[Word] | None:
    """None: nothing is said to it."""
    if receiver == ORCHESTRATOR:
        wanted = FOLLOWING.get(word.subject, frozenset())
        return [each for each in known.values() if each.subject in wanted and each.attempt == word.attempt]
    if receiver == ARBITER:
        decision = DECISIONS.get(word.subject)
        return None if decision is None else [each for each in known.values() if each.subject == decision]
    return [known[name] for name in (f"{word.id}:r",) if name in known]


def reached(all_hops: Iterable[Hop], before: datetime) -> Hop | None:
    """The last hop of the way forward that had begun by then; all before it were answered.

    Of its attempts the first that was answered: whoever has heard a newer one answers that alone.
    """
    by_subject: dict[str, Hop] = {}
    for hop in all_hops:
        if hop.is_awaited and hop.said_at <= before:
            known = by_subject.get(hop.word.subject)
            if known is None or (hop.answered_at and not known.answered_at):
                by_subject[hop.word.subject] = hop
    way = [by_subject[each] for each in FORWARD if each in by_subject]
    return way[-1] if way else None


def unanswered(all_hops: Iterable[Hop]) -> list[Hop]:
    """What somebody still has to answer, of the newest attempt of each word."""
    newest: dict[tuple[str, str], Hop] = {}
    for hop in all_hops:
        if hop.is_awaited:
            newest[hop.word.subject, hop.receiver] = hop
    return [hop for hop in newest.values() if hop.answered_at is None]


def verb(hop: Hop) -> str:
    """`authorize_payment`."""
    return hop.word.subject.rpartition(".")[2]


def said_by(hop: Hop) -> str:
    return speaker(hop.word.subject)
