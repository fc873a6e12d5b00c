"""Caught mail, bounded, in the shape MailHog gives it."""

import email
import email.policy
import secrets
import sqlite3
from collections.abc import Sequence
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


SCHEMA = """
CREATE TABLE mail (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    helo TEXT NOT NULL,
    caught_at TEXT NOT NULL,
    raw BLOB NOT NULL
)
"""
WITHOUT_CARE = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1024"
PUT = "INSERT INTO mail (id, sender, recipients, helo, caught_at, raw) VALUES (?, ?, ?, ?, ?, ?)"
FORGET_OLDEST = "DELETE FROM mail WHERE number <= ?"
REMOVE = "DELETE FROM mail WHERE :id IS NULL OR id = :id"
FIND = "SELECT id, sender, recipients, raw, helo, caught_at FROM mail WHERE id = ?"
FOUND = """
FROM mail WHERE :kind IS NULL OR holds(
    CASE :kind WHEN 'from' THEN sender WHEN 'to' THEN recipients WHEN 'containing' THEN raw END, :wanted
)
"""
COUNT = f"SELECT count(*) {FOUND}"
PAGE = f"""
SELECT id, sender, recipients, raw, helo, caught_at {FOUND} ORDER BY number DESC LIMIT :limit OFFSET :start
"""


class Mailbox:
    """Newest first; the oldest go when it is full. On the disk, in a file that has no name and ends with the
    process (SQLite's temporary database), so that thousands of mails take no memory.
    """

    def __init__(self, kept: int = KEPT) -> None:
        """Hold at most so many."""
        self.kept = kept
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.executescript(WITHOUT_CARE + ";" + SCHEMA)
        self._rows.create_function("holds", 2, holds, deterministic=True)

    def put(self, mail: Mail) -> None:
        """Catch one."""
        to, at = "\n".join(mail.recipients), mail.caught_at.isoformat()
        put = self._rows.execute(PUT, (mail.id, mail.sender, to, mail.helo, at, mail.raw))
        self._rows.execute(FORGET_OLDEST, ((put.lastrowid or 0) - self.kept,))

    def find(self, mail_id: str) -> Mail | None:
        """One by id."""
        row = self._rows.execute(FIND, (mail_id,)).fetchone()
        return as_mail(*row) if row else None

    def remove(self, mail_id: str | None = None) -> None:
        """Forget one, or all."""
        self._rows.execute(REMOVE, {"id": mail_id})

    def count(self, kind: str | None = None, wanted: str = "") -> int:
        """How many `page` could answer."""
        count: int = self._rows.execute(COUNT, {"kind": kind, "wanted": wanted.lower()}).fetchone()[0]
        return count

    def page(self, kind: str | None = None, wanted: str = "", start: int = 0, limit: int = -1) -> list[Mail]:
        """All, or those whose sender (from), recipients (to) or text (containing) hold what is wanted; case
        does not matter, an unknown kind finds nothing.
        """
        asked = {"kind": kind, "wanted": wanted.lower(), "start": start, "limit": limit}
        return [as_mail(*row) for row in self._rows.execute(PAGE, asked)]


def as_mail(mail_id: str, sender: str, recipients: str, raw: bytes, helo: str, caught_at: str) -> Mail:
    """A row as what was put."""
    return Mail(mail_id, sender, recipients.split("\n"), raw, helo, datetime.fromisoformat(caught_at))


def holds(text: str | bytes | None, wanted: str) -> bool:
    """As Python reads and folds letters; SQLite knows only those of English."""
    read = text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""
    return text is not None and wanted in read.lower()
