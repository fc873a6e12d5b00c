"""The arbiter's rules. Pure: a purchase, and what was heard -> the purchase, what is seen, what is said."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec.structs import replace

from common.contracts import mail, order, payment, product
from common.contracts.message import Event, Item, Message, Purchase, PurchaseMessage
from common.contracts.purchase import (
    CompletePurchase,
    FailPurchase,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRequested,
)


class Status(StrEnum):
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"


STEPS = ("reserve", "order", "payment")
"""In their order; a purchase's rank is the number of them that are known to be done."""

PROGRESS: dict[type[Message], int] = {product.StockReserved: 1, order.OrderCreated: 2}

ACKNOWLEDGEMENTS: dict[type[Message], int] = {
    product.StockReleased: 1,
    order.OrderCancelled: 2,
    payment.PaymentVoided: 4,
    mail.MailAccepted: 8,
    order.OrderApproved: 16,
    payment.PaymentCaptured: 32,
}
UNDO_STEPS = {1: "release", 2: "cancel", 4: "void"}
SETTLED_UNDONE = 1 | 2 | 4 | 8
SETTLED_DONE = 8 | 16 | 32


class Entry(msgspec.Struct, frozen=True):
    """One line of the log that the customer sees; numbered when it is written."""

    type: str
    detail: dict[str, str] = msgspec.field(default_factory=dict)


ACCEPTED = Entry("step", {"step": "accepted", "status": "done"})


def step(name: str, status: str = "done") -> Entry:
    return Entry("step", {"step": name, "status": status})


class Row(msgspec.Struct, frozen=True):
    """A purchase as the arbiter sees it. `acknowledged` is a set of bits, one per confirmation."""

    id: UUID
    account_id: UUID
    status: Status
    reason: str | None
    rank: int
    attempt: int
    issued_on: date
    deadline_at: datetime
    acknowledged: int
    items: tuple[Item, ...]
    total: int
    currency_code: str
    method: str
    installments: int
    payment_token: str | None
    traceparent: str | None
    last_seq: int

    @property
    def awaited(self) -> int:
        """The confirmations that settle the decision, as bits; nothing is awaited before it."""
        if self.status is Status.PENDING:
            return 0
        return SETTLED_DONE if self.status is Status.COMPLETED else SETTLED_UNDONE

    @property
    def is_settled(self) -> bool:
        return self.status is not Status.PENDING and self.acknowledged == self.awaited

    def context(self) -> Purchase:
        """What travels with every message of the current attempt."""
        return Purchase(
            id=self.id,
            attempt=self.attempt,
            account_id=self.account_id,
            items=self.items,
            total=self.total,
            currency_code=self.currency_code,
            method=self.method,
            installments=self.installments,
            payment_token=self.payment_token,
            issued_on=self.issued_on,
            deadline_at=self.deadline_at,
        )


class Outcome(msgspec.Struct, frozen=True):
    """What a message, a deadline or the customer did to a purchase."""

    row: Row
    entries: tuple[Entry, ...] = ()
    said: tuple[Message, ...] = ()
    path: str = ""
    """On which ways the messages came: for people, and no matter of any rule."""


def fold(row: Row, messages: Iterable[PurchaseMessage]) -> Outcome:
    """A batch of one purchase, in the order it came."""
    whole = Outcome(row)
    for message in messages:
        outcome = react(whole.row, message)
        whole = Outcome(outcome.row, whole.entries + outcome.entries, whole.said + outcome.said)
    return whole


def react(row: Row, message: PurchaseMessage) -> Outcome:
    """Duplicates, stragglers and surprises change nothing."""
    kind = type(message)
    if kind in PROGRESS:
        return _progress(row, message.purchase, PROGRESS[kind])
    if kind in ACKNOWLEDGEMENTS:
        return _acknowledge(row, ACKNOWLEDGEMENTS[kind])
    if isinstance(message, CompletePurchase):
        return complete(row, message)
    if isinstance(message, FailPurchase):
        return fail(row, message)
    raise TypeError(f"purchase does not know {kind.__name__}")


def complete(row: Row, message: CompletePurchase) -> Outcome:
    """The pivot: from here on money is taken. One compare-and-set decides (P1), even late (P14)."""
    if row.status is not Status.PENDING:
        return Outcome(row)
    progressed = _progress(row, message.purchase, len(STEPS))
    decided = replace(progressed.row, status=Status.COMPLETED)
    said = PurchaseCompleted(cause_id=message.id, purchase=decided.context())
    return Outcome(decided, (*progressed.entries, Entry("completed")), (said,))


def fail(row: Row, message: FailPurchase) -> Outcome:
    if row.status is not Status.PENDING:
        return Outcome(row)
    rank = STEPS.index(message.step)
    progressed = _progress(row, message.purchase, rank)
    ended = _cancelled(progressed.row, Status.FAILED, message.reason, cause_id=message.id)
    refused = (step(message.step, "refused"),) if progressed.row.rank == rank else ()
    return Outcome(ended.row, (*progressed.entries, *refused, *ended.entries), ended.said)


def cancel(row: Row) -> Outcome:
    """The customer's own wish, as long as nothing is decided."""
    return _cancelled(row, Status.FAILED, "cancelled_by_customer")


def time_out(row: Row) -> Outcome:
    return _cancelled(row, Status.TIMED_OUT, "deadline")


def redrive(row: Row, today: date) -> Outcome:
    """The same word again under a fresh attempt: with the same ids nobody would listen (P10)."""
    again = replace(row, attempt=row.attempt + 1, issued_on=today)
    word: Event
    if row.status is Status.PENDING:
        word = PurchaseRequested(purchase=again.context())
    elif row.status is Status.COMPLETED:
        word = PurchaseCompleted(purchase=again.context())
    else:
        word = PurchaseCancelled(purchase=again.context(), status=row.status, reason=row.reason or "")
    return Outcome(again, said=(word,))


def _progress(row: Row, heard: Purchase, rank: int) -> Outcome:
    """A higher rank implies the lower ones; what is decided or known already changes nothing."""
    if row.status is not Status.PENDING or rank <= row.rank:
        return Outcome(row)
    entries = tuple(step(name) for name in STEPS[row.rank : rank])
    return Outcome(replace(row, rank=rank, items=heard.items, total=heard.total), entries)


def _cancelled(row: Row, status: Status, reason: str, cause_id: str | None = None) -> Outcome:
    if row.status is not Status.PENDING:
        return Outcome(row)
    decided = replace(row, status=status, reason=reason)
    said = PurchaseCancelled(cause_id=cause_id, purchase=decided.context(), status=status, reason=reason)
    entry = Entry("failed", {"reason": reason}) if status is Status.FAILED else Entry("timed_out")
    return Outcome(decided, (entry,), (said,))


def _acknowledge(row: Row, bit: int) -> Outcome:
    """Confirmations of an undo are steps the customer sees; the last one of all settles the purchase."""
    if not bit & row.awaited & ~row.acknowledged:
        return Outcome(row)
    known = replace(row, acknowledged=row.acknowledged | bit)
    entries = [step(UNDO_STEPS[bit])] if bit in UNDO_STEPS else []
    if known.is_settled and known.status is not Status.COMPLETED:
        entries.append(Entry("settled"))
    return Outcome(known, tuple(entries))


def is_last(entry_type: str) -> bool:
    """Whether the stream of one purchase ends with this event."""
    return entry_type in {"completed", "settled"}
