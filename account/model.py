"""What an account is, and what is said about it. Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec

from common.contracts.account import (
    AccountState,
    EmailChanged,
    PasswordChanged,
    PasswordResetRequested,
    SessionEnded,
    VerificationRequested,
)

S = TypeVar("S", bound=AccountState)
C = TypeVar("C", VerificationRequested, PasswordResetRequested)
W = TypeVar("W", PasswordChanged, EmailChanged)


class Role(StrEnum):
    CUSTOMER = "customer"
    ADMIN = "admin"


class Purpose(StrEnum):
    """What a code by mail is good for, and nothing else."""

    VERIFY = "verify"
    RESET = "reset"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Everything but the password's hash, so that no answer and no message can carry that."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    address: str
    phone_number: str
    role: str
    verified: bool
    active: bool
    version: int
    least_version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Change:
    """What an administrator wants an account to be; None leaves it as it is."""

    before: Account
    wanted_role: Role | None = None
    wanted_active: bool | None = None

    @property
    def role(self) -> str:
        return self.wanted_role or self.before.role

    @property
    def active(self) -> bool:
        return self.before.active if self.wanted_active is None else self.wanted_active

    @property
    def notes(self) -> list[str]:
        """What would be different, for the record."""
        was, becomes = self.before, self
        notes = []
        if was.role != becomes.role:
            notes.append(f"role: {was.role} -> {becomes.role}")
        if was.active != becomes.active:
            notes.append(f"active: {was.active} -> {becomes.active}".lower())
        return notes

    @property
    def is_less(self) -> bool:
        """The account may do less than its tokens say."""
        demoted = self.before.role == Role.ADMIN and self.role != Role.ADMIN
        return demoted or (self.before.active and not self.active)

    @property
    def needs_verified(self) -> bool:
        promoted = self.before.role != Role.ADMIN and self.role == Role.ADMIN
        return promoted and not self.before.verified


class Ended(NamedTuple):
    """A session that has just ended."""

    session_id: UUID
    account_id: UUID
    at: datetime


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code as it goes out; `number` counts the codes of its account."""

    number: int
    text: str
    created_at: datetime
    expires_at: datetime


class Taken(Exception):
    """Another account has this e-mail address or phone number."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def mailbox(email: str) -> str:
    """Who writes Ann@Example.com means ann@example.com; addresses are ASCII (see the routes)."""
    return email.lower()


def secret(password: str) -> str:
    """One password, however a keyboard composes its characters (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def state(kind: type[S], account: Account) -> S:
    """The account as `kind` says it; the version makes the message's id."""
    return kind(
        entity_id=account.id,
        version=account.version,
        issued_on=account.updated_at.date(),
        email=account.email,
        first_name=account.first_name,
        last_name=account.last_name,
        address=account.address,
        phone_number=account.phone_number,
        role=account.role,
        verified=account.verified,
        active=account.active,
        least_version=account.least_version,
    )


def verification(account: Account, code: Code) -> VerificationRequested:
    return _mailed(VerificationRequested, account, code)


def password_reset(account: Account, code: Code) -> PasswordResetRequested:
    return _mailed(PasswordResetRequested, account, code)


def _mailed(kind: type[C], account: Account, code: Code) -> C:
    return kind(
        entity_id=account.id,
        version=code.number,
        issued_on=code.created_at.date(),
        email=account.email,
        first_name=account.first_name,
        code=code.text,
        expires_at=code.expires_at,
    )


def password_changed(account: Account) -> PasswordChanged:
    return _warned(PasswordChanged, account, account.email)


def email_changed(before: Account, after: Account) -> EmailChanged:
    """To the mailbox of before: the new one gets a code."""
    return _warned(EmailChanged, after, before.email)


def _warned(kind: type[W], account: Account, email: str) -> W:
    return kind(
        entity_id=account.id,
        version=account.version,
        issued_on=account.updated_at.date(),
        email=email,
        first_name=account.first_name,
    )


def session_ended(ended: Ended) -> SessionEnded:
    return SessionEnded(
        entity_id=ended.session_id, version=1, issued_on=ended.at.date(), account_id=ended.account_id
    )
