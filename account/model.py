"""What an account is, and what is said about it. Pure."""

import unicodedata
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from common.contracts.account import AccountState, VerificationRequested

S = TypeVar("S", bound=AccountState)


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
    updated_at: datetime


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A verification code as it goes out; `number` counts the codes of its account."""

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
    return VerificationRequested(
        entity_id=account.id,
        version=code.number,
        issued_on=code.created_at.date(),
        email=account.email,
        first_name=account.first_name,
        code=code.text,
        expires_at=code.expires_at,
    )
