"""What account says. Carries personal data: only order (address) and mail (name, mailbox) keep any of it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from common.contracts.message import EntityEvent
from common.contracts.request import Request


class AccountState(EntityEvent, frozen=True, kw_only=True):
    """The account as it is now. A token carries the version it was signed from: the newer of the two counts.

    Tokens from before `least_version` no longer count at all. Versions, and not times: clocks differ.
    """

    email: str
    first_name: str
    last_name: str
    address: str
    phone_number: str
    role: str
    verified: bool
    active: bool
    least_version: int = 1


class AccountRegistered(AccountState, frozen=True, kw_only=True, tag="evt.account.account_registered"): ...


class AccountChanged(AccountState, frozen=True, kw_only=True, tag="evt.account.account_changed"): ...


class SessionEnded(EntityEvent, frozen=True, kw_only=True, tag="evt.account.session_ended"):
    """Its tokens no longer count. `entity_id` is the session's, which ends once: `version` is 1."""

    account_id: UUID


class VerificationRequested(EntityEvent, frozen=True, kw_only=True, tag="evt.account.verification_requested"):
    """Mail the code. Single use, short-lived; `version` counts the codes of the account."""

    email: str
    first_name: str
    code: str
    expires_at: datetime


class PasswordResetRequested(
    EntityEvent, frozen=True, kw_only=True, tag="evt.account.password_reset_requested"
):
    """Mail the code. Single use, short-lived; `version` counts the codes of the account."""

    email: str
    first_name: str
    code: str
    expires_at: datetime


class PasswordChanged(EntityEvent, frozen=True, kw_only=True, tag="evt.account.password_changed"):
    """Tell the owner: it may not have been them."""

    email: str
    first_name: str


class EmailChanged(EntityEvent, frozen=True, kw_only=True, tag="evt.account.email_changed"):
    """Tell the mailbox of before, which is `email`: it may not have been the owner."""

    email: str
    first_name: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may do, and nothing about the person."""

    id: UUID
    active: bool
    verified: bool
    role: str


class AccountLookup(Request[list[Standing]], frozen=True, kw_only=True, tag="account.lookup"):
    """The accounts as they are now, each once; unknown ids are left out."""

    account_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=100)]
