"""I9: what was published is heard by all who must hear it, and what is heard was said by somebody.

Both within a window of hours. Inboxes are read first: whatever they know of, an outbox said before. The words
are compared as they are paged through, by primary key; what is not explained yet waits on the disk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID

from common.messaging.streams import CONSUMERS, DRIVEN
from deploy.audit import statements
from deploy.audit.findings import HEARD_WITHIN, MOST_KEPT, Bounds, Finding, Findings
from deploy.audit.scratch import Scratch
from deploy.audit.sources import Reader, Rows

PAGE = 5000
MARGIN = timedelta(minutes=10)
"""An id is as old as the clock of the process that made it, a row as that of its database."""

INBOXES = tuple(hears for hears in CONSUMERS if hears.durable == hears.service != "orchestrator")
"""Caches have none, and the orchestrator keeps nothing."""


@dataclass(frozen=True)
class Span:
    """From when on words are compared, and until when they were published to be judged."""

    since: datetime
    due: datetime

    @property
    def days(self) -> list[date]:
        """Of the partitions. A word may be of tomorrow by the clock of whoever said it."""
        first = (self.since - MARGIN).date()
        return [first + timedelta(days=each) for each in range((self.due.date() - first).days + 2)]


async def compare(reader: Reader, scratch: Scratch, bounds: Bounds, findings: Findings) -> int:
    """Returns how many words were said."""
    now, wait = datetime.now(UTC), max(bounds.settle, HEARD_WITHIN)
    span = Span(now - timedelta(hours=bounds.hours), now - timedelta(seconds=wait))
    for hears in INBOXES:
        for day in span.days:
            await hear(reader, scratch, hears.service, day, span)
    said = 0
    for speaker in reader.connections:
        for day in span.days:
            said += await follow(reader, scratch, speaker, day, span, findings)
    findings.add(
        Finding("I9", name, f"was heard by {receiver} and said by nobody", purchase=purchase_of(name))
        for name, receiver in scratch.unexplained(MOST_KEPT + 1)
    )
    return said


async def hear(reader: Reader, scratch: Scratch, receiver: str, day: date, span: Span) -> None:
    last, oldest = "", str(least_id(span.since))
    while rows := await reader.rows(receiver, statements.HEARD, day, last, oldest, PAGE):
        scratch.hear(receiver, (row["message_id"] for row in rows if row["is_wanted"]))
        last = rows[-1]["message_id"]


async def follow(
    reader: Reader, scratch: Scratch, speaker: str, day: date, span: Span, findings: Findings
) -> int:
    last, said, since = 0, 0, span.since - MARGIN
    while rows := await reader.rows(speaker, statements.SAID, day, last, since, PAGE, span.due, DRIVEN):
        scratch.explain([row["message_id"] for row in rows])
        for receiver, wanted in wanted_by(rows):
            unheard = await missing(reader, receiver, wanted, span.days)
            what = f"was published by {speaker} and not heard by {receiver}"
            findings.add(Finding("I9", name, what, purchase=purchase_of(name)) for name in sorted(unheard))
        said, last = said + len(rows), rows[-1]["position"]
    return said


def wanted_by(rows: Rows) -> Iterator[tuple[str, list[str]]]:
    """Who must have heard which of these by now."""
    wanted: dict[str, list[str]] = {}
    for row in rows:
        if row["is_due"]:
            for receiver in receivers(row["subject"]):
                wanted.setdefault(receiver, []).append(row["message_id"])
    yield from wanted.items()


async def missing(reader: Reader, receiver: str, ids: Sequence[str], days: Sequence[date]) -> set[str]:
    """Neither in its inbox nor with its dead letters."""
    unheard = set(ids) - names(await reader.rows(receiver, statements.KNOWN, ids, days))
    for statement in (statements.PARKED, statements.KNOWN_SOMEWHERE):
        if unheard:
            unheard -= names(await reader.rows(receiver, statement, sorted(unheard)))
    return unheard


@cache
def receivers(subject: str) -> tuple[str, ...]:
    return tuple(hears.service for hears in INBOXES if any(matches(subject, each) for each in hears.filters))


def matches(subject: str, wanted: str) -> bool:
    """The topology has whole subjects, and prefixes."""
    return subject.startswith(wanted[:-1]) if wanted.endswith(".>") else subject == wanted


def names(rows: Rows) -> set[str]:
    return {row["message_id"] for row in rows}


def purchase_of(name: str) -> UUID | None:
    """What a word of a saga is about, by its id (protocol 2)."""
    subject, _, rest = name.partition(":")
    if not subject.startswith(("cmd.", "evt.purchase.")):
        return None
    try:
        return UUID(rest.partition(":")[0])
    except ValueError:
        return None


def least_id(moment: datetime) -> UUID:
    """No UUIDv7 of that moment or later is less."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
