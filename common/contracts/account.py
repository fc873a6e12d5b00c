"""What account says. Carries personal data: only order (address) and mail (name, mailbox) listen."""

from datetime import datetime

from common.contracts.message import EntityEvent


class AccountState(EntityEvent, frozen=True, kw_only=True):
    """The account as it is now. `not_before`: access tokens issued earlier no longer count."""

    email: str
    first_name: str
    last_name: str
    address: str
    phone_number: str
    role: str
    verified: bool
    active: bool
    not_before: datetime | None = None


class AccountRegistered(AccountState, frozen=True, kw_only=True, tag="evt.account.account_registered"): ...


class AccountChanged(AccountState, frozen=True, kw_only=True, tag="evt.account.account_changed"): ...


class VerificationRequested(EntityEvent, frozen=True, kw_only=True, tag="evt.account.verification_requested"):
    """Mail the code. Single use, short-lived; `version` counts the codes of the account."""

    email: str
    first_name: str
    code: str
    expires_at: datetime
