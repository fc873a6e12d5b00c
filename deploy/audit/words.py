"""I9: what was published is heard by all who must hear it, and what is heard was said by somebody.

Both within a window of hours. Inboxes are read first: whatever they know of, an outbox said before. The words
are compared as they are paged through, by primary key; what is not explained yet waits on the disk.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID

from common.messaging.streams import CONSUMERS
from deploy.audit import statements
from deploy.audit.findings import HEARD_WITHIN, MOST_KEPT, Bounds, Finding, Findings
from deploy.audit.scratch import Scratch
from deploy.audit.sources import Reader, Rows

PAGE = 5000
MARGIN = timedelta(minutes=10)
"""An id is as old as the clock of the process that made it, a row as that of its database."""

INBOXES = tuple(hears for hears in CONSUMERS if hears.durable == hears.service != "orchestrator")
"""Caches have none, and the orchestrator keeps nothing."""


async def compare(reader: Reader, scratch: Scratch, bounds: Bounds, findings: Findings) -> int:
    """Returns how many words were said."""
    now = datetime.now(UTC)
    since = now - timedelta(hours=bounds.hours)
    due = now - timedelta(seconds=max(bounds.settle, HEARD_WITHIN))
    for hears in INBOXES:
        await hear(reader, scratch, hears.service, since)
    said = 0
    for speaker in reader.connections:
        said += await follow(reader, scratch, speaker, Times(since - MARGIN, due), findings)
    findings.add(
        Finding("I9", name, f"was heard by {receiver} and said by nobody", purchase=purchase_of(name))
        for name, receiver in scratch.unexplained(MOST_KEPT + 1)
    )
    return said


class Times:
    """From when on words are read, until when they were published to be judged, and the inboxes' days."""

    def __init__(self, since: datetime, due: datetime) -> None:
        self.since = since
        self.due = due
        days = (datetime.now(UTC).date() - since.date()).days
        self.days: list[date] = [since.date() + timedelta(days=each) for each in range(-1, days + 2)]


async def hear(reader: Reader, scratch: Scratch, receiver: str, since: datetime) -> None:
    day, name = (since - MARGIN).date(), ""
    oldest = str(least_id(since))
    while True:
        rows = await reader.rows(receiver, statements.HEARD, day, name, oldest, PAGE)
        scratch.hear(receiver, (row["message_id"] for row in rows))
        if len(rows) < PAGE:
            return
        day, name = rows[-1]["issued_on"], rows[-1]["message_id"]


async def follow(reader: Reader, scratch: Scratch, speaker: str, times: Times, findings: Findings) -> int:
    day, position, said = times.since.date(), 0, 0
    while True:
        values = (day, position, times.since, PAGE, times.due)
        rows = await reader.rows(speaker, statements.SAID, *values)
        scratch.explain([row["message_id"] for row in rows])
        for receiver, wanted in wanted_by(rows):
            unheard = await missing(reader, receiver, wanted, times.days)
            what = f"was published by {speaker} and not heard by {receiver}"
            findings.add(Finding("I9", name, what, purchase=purchase_of(name)) for name in sorted(unheard))
        said += len(rows)
        if len(rows) < PAGE:
            return said
        day, position = rows[-1]["created_on"], rows[-1]["position"]


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
