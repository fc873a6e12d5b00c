"""What goes in and out. Every text is bounded and free of control characters; addresses of mail are ASCII."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from account.model import Account, Role

CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
ONE_LINE = rf"^(?=.*\S)[^{CONTROL}]*$(?!\n)"
LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
MAILBOX = rf"^(?=[^@]{{1,64}}@){ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*$(?!\n)"

Email = Annotated[str, Meta(max_length=254, pattern=MAILBOX, examples=["ann@example.com"])]
Password = Annotated[str, Meta(min_length=8, max_length=128)]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]
Address = Annotated[str, Meta(min_length=1, max_length=500, pattern=ONE_LINE)]
Phone = Annotated[str, Meta(pattern=r"^\+?[0-9]{6,15}$(?!\n)", examples=["+84901234567"])]
DigitCode = Annotated[str, Meta(pattern=r"^[0-9]{8}$(?!\n)", examples=["04711815"])]
Opaque = Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[!-~]+$(?!\n)")]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body. Nobody can say more than is asked for: no role, no id."""


class Registration(Request, frozen=True, kw_only=True):
    email: Email
    password: Password
    first_name: Name
    last_name: Name
    address: Address
    phone_number: Phone


class Login(Request, frozen=True, kw_only=True):
    """Bounded, but not judged: whatever cannot be a password is simply a wrong one."""

    email: Annotated[str, Meta(max_length=254, pattern=rf"^[^{CONTROL}]*$(?!\n)")]
    password: Annotated[str, Meta(max_length=512)]


class Refresh(Request, frozen=True, kw_only=True):
    refresh_token: Opaque


class Verification(Request, frozen=True, kw_only=True):
    code: DigitCode


class PasswordChange(Request, frozen=True, kw_only=True):
    """The current one is bounded, but not judged."""

    current_password: Annotated[str, Meta(max_length=512)]
    new_password: Password


class Forgotten(Request, frozen=True, kw_only=True):
    email: Email


class PasswordReset(Request, frozen=True, kw_only=True):
    email: Email
    code: DigitCode
    password: Password


class Governed(Request, frozen=True, kw_only=True):
    """What an administrator may change; what is left out stays."""

    role: Role | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


class PersonalChange(Request, frozen=True, kw_only=True):
    """What is left out stays. A new e-mail address has to be verified."""

    email: Email | msgspec.UnsetType = msgspec.UNSET
    first_name: Name | msgspec.UnsetType = msgspec.UNSET
    last_name: Name | msgspec.UnsetType = msgspec.UNSET


class DeliveryChange(Request, frozen=True, kw_only=True):
    """What is left out stays. The next order ships there."""

    address: Address | msgspec.UnsetType = msgspec.UNSET
    phone_number: Phone | msgspec.UnsetType = msgspec.UNSET


class Personal(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    email: str
    first_name: str
    last_name: str
    verified: bool
    role: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    phone_number: str


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """As administrators see it: no address, which nobody needs to run a shop's accounts."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    phone_number: str
    role: str
    verified: bool
    active: bool
    created_at: datetime


class TokenPair(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in`: seconds until the access token ends."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105  # the name of a scheme
    expires_in: int
    account: Personal


def personal(account: Account) -> Personal:
    return msgspec.convert(account, Personal, from_attributes=True)


def delivery(account: Account) -> Delivery:
    return msgspec.convert(account, Delivery, from_attributes=True)


def view(account: Account) -> AccountView:
    return msgspec.convert(account, AccountView, from_attributes=True)
