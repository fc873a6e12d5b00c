"""A payment as it is kept: one row per purchase."""

from enum import StrEnum
from uuid import UUID

import msgspec

from common.contracts.payment import AuthorizePayment, CapturePayment, VoidPayment


class Status(StrEnum):
    """Those that end in -ING wait for the provider. TOMBSTONE: voided before it was ever asked (P4)."""

    AUTHORIZING = "AUTHORIZING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURING = "CAPTURING"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    VOIDING = "VOIDING"
    VOIDED = "VOIDED"
    TOMBSTONE = "TOMBSTONE"
    ATTENTION = "ATTENTION"

    @property
    def waits(self) -> bool:
        """The provider was, or may have been, asked, and has not answered yet."""
        return self in _WAITING

    @property
    def shown(self) -> "Status":
        """What the owner sees: the last thing that the provider has confirmed."""
        return Status.AUTHORIZED if self in {Status.CAPTURING, Status.VOIDING} else self


_WAITING = frozenset({Status.AUTHORIZING, Status.CAPTURING, Status.VOIDING})


class Unanswered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest attempt of each command whose reply waits for the provider."""

    authorize: AuthorizePayment | None = None
    capture: CapturePayment | None = None
    void: VoidPayment | None = None
    """While AUTHORIZING this is the `cancel_requested` of P12."""


NOTHING = Unanswered()


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `id` is the purchase's, and the provider's idempotency key for ever (P11)."""

    id: UUID
    account_id: UUID
    amount: int
    currency_code: str
    method: str
    installments: int
    token: str | None
    status: Status
    reason: str | None = None
    unanswered: Unanswered = NOTHING
    calls: int = 0
    """How often the provider was asked in this status without an answer."""
    traceparent: str | None = None
    """The trace that the reply will belong to."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. When the sweeper asks, should nobody have been answered by then (protocol 3)."""

    lease: float
    """For whoever just took the row; longer than a call, so that it is not asked twice for nothing."""
    first: float
    most: float
    give_up: float

    def wait(self, payment: Payment) -> float | None:
        """From now to the next question; None when there is none to ask."""
        if not payment.status.waits:
            return None
        if payment.calls == 0:
            return self.lease
        return min(self.most, self.first * 2.0 ** min(payment.calls - 1, 20))
