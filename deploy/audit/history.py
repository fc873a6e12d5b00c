"""Everything that anybody knows of one purchase, in one timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from deploy.audit import moments, statements, stream
from deploy.audit.moments import Moment, Word
from deploy.audit.sources import Reader, Rows, Sources
from deploy.audit.stream import Streamed

ASKED = {
    "purchase": ("purchase", statements.PURCHASE),
    "events": ("purchase", statements.EVENTS),
    "reservation": ("product", statements.RESERVATION),
    "movements": ("product", statements.MOVEMENTS),
    "order": ("order", statements.ORDER),
    "payment": ("payment", statements.PAYMENT),
    "mails": ("mail", statements.MAILED),
}
LATER = datetime.max.replace(tzinfo=UTC)

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """The rows as they are now, and how they came to be."""

    id: UUID
    facts: Mapping[str, Sequence[Facts]]
    """By where they are kept."""
    timeline: Sequence[Moment]
    words: Sequence[Word] = ()
    """All that was said about it, as far as it is remembered."""
    left_out: str = ""
    """Why the stream is missing, where it is."""


async def history(sources: Sources, purchase: UUID) -> History:
    """Raises Unreadable; a broker that is away is only told."""
    async with sources.opened() as reader:
        rows = {name: await reader.rows(*question, purchase) for name, question in ASKED.items()}
        letters = await everywhere(reader, statements.PARKED_ABOUT, purchase)
        said = await everywhere(reader, statements.SAID_ABOUT, purchase)
        heard = await everywhere(reader, statements.HEARD_ABOUT, purchase)
    ledger = [each async for page in sources.ledger() for each in page if each.authorization == str(purchase)]
    streamed, left_out = await streamed_about(sources, purchase, rows["purchase"])
    words = moments.words_of([row for rows in said.values() for row in rows], heard, streamed)
    timeline = [
        *(moment for name in moments.TOLD for row in rows[name] for moment in moments.of_row(name, row)),
        *map(moments.of_event, rows["events"]),
        *map(moments.of_movement, rows["movements"]),
        *map(moments.of_entry, ledger),
        *(moments.of_letter(service, row) for service in letters for row in letters[service]),
        *(word.moment for word in words),
    ]
    facts: dict[str, Sequence[Facts]] = {name: list(map(dict, found)) for name, found in rows.items()}
    facts["provider"] = [msgspec.to_builtins(each) for each in ledger]
    facts["dead letters"] = [{"service": name, **row} for name, found in letters.items() for row in found]
    return History(purchase, facts, sorted(timeline, key=lambda each: each.at or LATER), words, left_out)


async def everywhere(reader: Reader, statement: str, purchase: UUID) -> dict[str, Rows]:
    """By no index: all that is left of the outboxes and inboxes."""
    return {service: await reader.rows(service, statement, purchase) for service in reader.connections}


async def streamed_about(sources: Sources, purchase: UUID, known: Rows) -> tuple[list[Streamed], str]:
    if sources.nats_url is None:
        return [], "the stream was not read: no broker is named"
    begin = known[0]["created_at"] if known else datetime.fromtimestamp((purchase.int >> 80) / 1000, UTC)
    end = (known[0]["settled_at"] if known else None) or datetime.now(UTC)
    try:
        return await stream.about(sources.nats_url, str(purchase), begin, end), ""
    except OSError as error:
        return [], str(error)
