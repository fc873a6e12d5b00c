"""Caught mail, in memory and bounded, in the shape MailHog gives it."""

import email
import email.policy
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage, Message

KEPT = 20_000
Json = dict[str, object]


@dataclass(frozen=True)
class Mail:
    """One mail as it came over the wire."""

    id: str
    sender: str
    recipients: Sequence[str]
    raw: bytes
    helo: str
    caught_at: datetime

    @classmethod
    def caught(cls, sender: str, recipients: Sequence[str], raw: bytes, helo: str) -> "Mail":
        """Give it an id and a time."""
        return cls(
            f"{secrets.token_hex(16)}@shop.localhost", sender, recipients, raw, helo, datetime.now(UTC)
        )

    @property
    def text(self) -> str:
        """All of it, as read by search."""
        return self.raw.decode("utf-8", "replace")

    @property
    def message(self) -> EmailMessage:
        """Parsed and decoded, for people."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    def as_json(self) -> Json:
        """A message of MailHog's API: bodies as sent, headers not decoded."""
        parsed = email.message_from_bytes(self.raw)
        parts = parsed.get_payload() if parsed.is_multipart() else []
        return {
            "ID": self.id,
            "From": address(self.sender),
            "To": [address(each) for each in self.recipients],
            "Content": content(parsed, self.raw),
            "Created": self.caught_at.isoformat().replace("+00:00", "Z"),
            "MIME": {"Parts": [content(each, each.as_bytes()) for each in parts if isinstance(each, Message)]}
            if parts
            else None,
            "Raw": {"From": self.sender, "To": list(self.recipients), "Data": self.text, "Helo": self.helo},
        }


def address(text: str) -> Json:
    """An address in its halves."""
    mailbox, _, domain = text.rpartition("@")
    return {"Relays": None, "Mailbox": mailbox or domain, "Domain": domain if mailbox else "", "Params": ""}


def content(parsed: Message, raw: bytes) -> Json:
    """Headers and body of a message or of one of its parts."""
    headers: dict[str, list[str]] = {}
    for name, value in parsed.items():
        headers.setdefault(name, []).append(" ".join(str(value).split()))
    _, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    text = body.decode("utf-8", "replace").replace("\n", "\r\n")
    return {"Headers": headers, "Body": text, "Size": len(raw), "MIME": None}


class Mailbox:
    """Newest first; the oldest go when it is full."""

    def __init__(self, kept: int = KEPT) -> None:
        """Hold at most so many."""
        self.mails: deque[Mail] = deque(maxlen=kept)

    def put(self, mail: Mail) -> None:
        """Catch one."""
        self.mails.appendleft(mail)

    def find(self, mail_id: str) -> Mail | None:
        """One by id."""
        return next((mail for mail in self.mails if mail.id == mail_id), None)

    def remove(self, mail_id: str | None = None) -> None:
        """Forget one, or all."""
        kept = [mail for mail in self.mails if mail_id is not None and mail.id != mail_id]
        self.mails.clear()
        self.mails.extend(kept)

    def search(self, kind: str, query: str) -> list[Mail]:
        """Case does not matter; an unknown kind finds nothing."""
        matches = SEARCHES.get(kind)
        return [mail for mail in self.mails if matches and matches(mail, query.lower())]


SEARCHES: dict[str, Callable[[Mail, str], bool]] = {
    "from": lambda mail, wanted: wanted in mail.sender.lower(),
    "to": lambda mail, wanted: any(wanted in each.lower() for each in mail.recipients),
    "containing": lambda mail, wanted: wanted in mail.text.lower(),
}
