"""What a mail is, when it is tried again, and what may stand on it. Pure."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

import msgspec

from common.contracts.account import (
    EmailChanged,
    PasswordChanged,
    PasswordResetRequested,
    VerificationRequested,
)
from common.contracts.message import Item
from common.contracts.purchase import PurchaseCancelled, PurchaseCompleted

KEYS = UUID("6d61696c-0000-5000-8000-73686f700000")
"""The namespace of mails' ids."""


class Code(msgspec.Struct, frozen=True):
    """No text of the account's own: a stranger's mailbox can be registered, and must not be written to."""

    code: str
    expires_at: datetime


class Verification(Code, frozen=True, tag="verification", tag_field="kind"): ...


class Reset(Code, frozen=True, tag="password_reset", tag_field="kind"): ...


class Change(msgspec.Struct, frozen=True, tag="password_changed", tag_field="kind"):
    """The password is another one now. No text of the account's own here either."""

    changed_on: date


class Move(msgspec.Struct, frozen=True, tag="email_changed", tag_field="kind"):
    """Another mailbox counts now. Tells the one of before, and not which it is."""

    changed_on: date


class Receipt(msgspec.Struct, frozen=True, tag="receipt", tag_field="kind"):
    items: tuple[Item, ...]
    total: int
    currency_code: str


class Failure(msgspec.Struct, frozen=True, tag="failure", tag_field="kind"):
    reason: str


Content = Verification | Reset | Change | Move | Receipt | Failure
"""The facts of a mail; they become words when it is sent."""


class Addressee(msgspec.Struct, frozen=True):
    """`name` greets in the text; no header ever holds what a stranger wrote."""

    mailbox: str
    name: str = ""


class Key(NamedTuple):
    """`about` is a purchase, which has no versions, or an account."""

    about: UUID
    kind: str
    version: int

    @property
    def id(self) -> UUID:
        """The same for every repetition, so that mailboxes can drop it."""
        return uuid5(KEYS, f"{self.kind}:{self.about}:{self.version}")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One logical mail (protocol P15)."""

    about: UUID
    version: int = 0
    to: Addressee
    content: Content
    traceparent: str | None = None

    @property
    def kind(self) -> str:
        tag = type(self.content).__struct_config__.tag
        assert isinstance(tag, str)
        return tag

    @property
    def key(self) -> Key:
        return Key(self.about, self.kind, self.version)

    @property
    def expires_at(self) -> datetime | None:
        """It goes out before then, or never: a code that counts no longer only confuses."""
        return self.content.expires_at if isinstance(self.content, Code) else None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A mail whose time has come; None is one that nobody can read. `tries` counts this one."""

    key: Key
    mail: Mail | None
    tries: int
    accepted_at: datetime
    traceparent: str | None = None


class Verdict(StrEnum):
    """What an attempt came to. Later: the server is busy, or nobody knows whether it took the mail."""

    SENT = "sent"
    LATER = "queued"
    REFUSED = "parked"


class Outcome(msgspec.Struct, frozen=True):
    """`reason` may repeat what the mail says and to whom: it is kept with the mail. `brief` may be logged."""

    verdict: Verdict
    brief: str = ""
    reason: str | None = None


ToAccount = VerificationRequested | PasswordResetRequested | PasswordChanged | EmailChanged


def to_account(event: ToAccount) -> Mail:
    """What an account is told about itself."""
    content: Content
    match event:
        case PasswordChanged():
            content = Change(event.issued_on)
        case EmailChanged():
            content = Move(event.issued_on)
        case PasswordResetRequested():
            content = Reset(event.code, event.expires_at)
        case VerificationRequested():
            content = Verification(event.code, event.expires_at)
    return Mail(about=event.entity_id, version=event.version, to=Addressee(event.email), content=content)


def notice(event: PurchaseCompleted | PurchaseCancelled, to: Addressee) -> Mail:
    """The receipt, or why there is none."""
    purchase = event.purchase
    content: Content
    if isinstance(event, PurchaseCompleted):
        content = Receipt(purchase.items, purchase.total, purchase.currency_code)
    else:
        content = Failure(event.reason)
    return Mail(about=purchase.id, to=to, content=content)


def delay(tries: int, *, first: float, most: float, chance: float) -> float:
    """Seconds until the next try: doubled each time, within 20 % either way by `chance` in 0..1."""
    return min(most, first * 2.0 ** min(tries - 1, 30)) * (0.8 + 0.4 * chance)


BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
MAILBOX = re.compile(rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*")


class NotAnAddress(ValueError):
    """Nothing can be sent there, ever."""


def mailbox(text: str) -> str:
    """An address that may stand in a header and an envelope (CVE-2024-6923: Python does not look)."""
    if BREAKS.search(text) or not MAILBOX.fullmatch(text):
        raise NotAnAddress(f"{text[:100]!r} is not a mailbox")
    return text


def one_line(text: str, *, most: int = 120) -> str:
    """A stranger's text, fit to stand in a line of a mail."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]
