"""What purchase, the arbiter, hears and says."""

from datetime import date

import msgspec

from common.contracts.message import Command, Event, Message


class CompletePurchase(Command, frozen=True, kw_only=True, tag="cmd.purchase.complete"):
    """Every step is done; purchase decides whether that still counts (P1, P14)."""


class FailPurchase(Command, frozen=True, kw_only=True, tag="cmd.purchase.fail"):
    """`step` is the one that refused: reserve, order or payment."""

    step: str
    reason: str


class ParkMessage(Message, frozen=True, kw_only=True, tag="cmd.purchase.park_message"):
    """A dead letter of the orchestrator, which has no database of its own. `digest` names the body."""

    digest: str
    durable: str
    parked_subject: str
    payload: bytes
    deliveries: int
    error: str
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    issued_on: date

    @property
    def id(self) -> str:
        return f"cmd.purchase.park_message:{self.digest}"

    @property
    def correlation_id(self) -> str:
        return self.digest

    @property
    def dated(self) -> date:
        return self.issued_on


class LetterRetried(Message, frozen=True, kw_only=True, tag="evt.purchase.letter_retried"):
    """A dead letter of the orchestrator, to be heard again. No two have the same `attempt`."""

    letter_id: int
    attempt: int
    retried_subject: str
    payload: bytes
    issued_on: date

    @property
    def id(self) -> str:
        return f"evt.purchase.letter_retried:{self.letter_id}:{self.attempt}"

    @property
    def correlation_id(self) -> str:
        return str(self.letter_id)

    @property
    def dated(self) -> date:
        return self.issued_on


class PurchaseRequested(Event, frozen=True, kw_only=True, tag="evt.purchase.requested"): ...


class PurchaseCompleted(Event, frozen=True, kw_only=True, tag="evt.purchase.completed"):
    """The decision. Final."""


class PurchaseCancelled(Event, frozen=True, kw_only=True, tag="evt.purchase.cancelled"):
    """The decision, FAILED or TIMED_OUT. Final; every participant will be told to undo (P3)."""

    status: str
    reason: str
