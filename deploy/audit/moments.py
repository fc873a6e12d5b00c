"""What the rows, messages and entries about one purchase say of its time. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from deploy.audit.rules import Row
from deploy.audit.sources import Rows
from deploy.audit.stream import Streamed
from deploy.psp.book import Entry

TOLD: Mapping[str, Mapping[str, str]] = {
    "purchase": {
        "created_at": "accepted",
        "deadline_at": "deadline",
        "decided_at": "decided: {status}",
        "settled_at": "settled",
    },
    "reservation": {"created_at": "reservation made", "updated_at": "reservation is {status}"},
    "order": {"created_at": "order made; it is {status} now"},
    "payment": {"created_at": "payment made", "status_at": "payment is {status}"},
    "mails": {"accepted_at": "{kind} mail accepted", "sent_at": "{kind} mail sent (tries {tries})"},
}
"""Of each kind of row: column -> what happened then."""

KEPT_BY = {
    "purchase": "purchase",
    "reservation": "product",
    "order": "order",
    "payment": "payment",
    "mails": "mail",
}


class Moment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: when, who, what. `at` is unknown of a word that only an inbox still knows."""

    at: datetime | None
    service: str
    what: str
    subject: str = ""
    attempt: str = ""
    id: str = ""


@dataclass
class Word:
    """One message, from all who know of it."""

    id: str
    subject: str = ""
    at: datetime | None = None
    published_at: datetime | None = None
    seq: int | None = None
    streamed_at: datetime | None = None
    heard_by: list[str] = field(default_factory=list)

    @property
    def attempt(self) -> str:
        return self.id.partition(":")[2].removesuffix(":r").partition(":")[2]

    @property
    def moment(self) -> Moment:
        """Who said it, and how far it got. The id of a reply is that of what it answers."""
        subject = self.subject or ("" if self.id.endswith(":r") else self.id.partition(":")[0])
        what = "; ".join(self._ways()) or "said"
        return Moment(self.at, speaker(subject), what, subject, self.attempt, self.id)

    def _ways(self) -> Iterator[str]:
        if self.at and self.published_at:
            yield f"published after {1000 * (self.published_at - self.at).total_seconds():.0f} ms"
        elif self.at and not self.seq:
            yield "not published"
        if self.seq:
            yield f"on the stream as {self.seq}"
        if self.heard_by:
            yield f"heard by {', '.join(self.heard_by)}"


def speaker(subject: str) -> str:
    """Events name their owner; commands come from the one who knows the saga."""
    kind, _, rest = subject.partition(".")
    return {"cmd": "orchestrator", "evt": rest.partition(".")[0]}.get(kind, "?")


def of_row(name: str, row: Row) -> Iterator[Moment]:
    for column, text in TOLD[name].items():
        if row[column] is not None:
            yield Moment(row[column], KEPT_BY[name], text.format(**row))


def of_event(row: Row) -> Moment:
    data = msgspec.json.decode(row["data"])
    detail = " ".join(str(data[key]) for key in ("step", "status", "reason") if key in data)
    at = datetime.fromisoformat(data["at"])
    return Moment(at, "purchase", f"event {row['seq']}: {row['type']} {detail}".rstrip())


def of_movement(row: Row) -> Moment:
    what = f"stock {row['kind']}: {row['change']:+} of {row['product_id']}, {row['available']} left"
    return Moment(row["moved_at"], "product", what)


def of_letter(service: str, row: Row) -> Moment:
    since = f", {row['state']} since" if row["state"] else ""
    what = f"dead letter of {row['durable']} after {row['deliveries']} deliveries{since}"
    return Moment(row["parked_at"], service, what, row["subject"], id=row["message_id"] or "")


def of_entry(entry: Entry) -> Moment:
    reason = f" ({entry.reason})" if entry.reason else ""
    return Moment(entry.at, "provider", f"{entry.status} {entry.amount}{reason}", id=entry.key)


def words_of(said: Rows, heard: Mapping[str, Rows], streamed: Sequence[Streamed]) -> list[Word]:
    """One for each id. Its time is that of the commit, else that of the stream."""
    words: dict[str, Word] = {}
    for row in said:
        name = row["message_id"]
        words[name] = Word(name, row["subject"], row["created_at"], row["published_at"])
    for message in streamed:
        word = words.setdefault(message.id, Word(message.id, message.subject, message.at))
        word.seq, word.streamed_at = message.seq, message.at
    for service, rows in heard.items():
        for row in rows:
            words.setdefault(row["message_id"], Word(row["message_id"])).heard_by.append(service)
    return list(words.values())
