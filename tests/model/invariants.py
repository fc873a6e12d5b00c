"""What must hold at all times, and at the end (protocol 7: I1 to I8, I10)."""

from collections.abc import Callable, Iterable, Mapping

from order.model import Status as Order
from payment.model.row import Status as Payment
from product.model.reservation import Status as Stock
from product.model.reservation import Ware
from purchase import model as arbiter
from purchase.event_log import Event, numbered
from purchase.model import Outcome, Row, Status, is_last
from tests.model.books import Held
from tests.model.explore import Violation
from tests.model.words import AT, PRICE

UNDONE_ORDER = {Order.CANCELED, Order.REFUSED, Order.TOMBSTONE}
NOT_PAID = {Payment.DECLINED, Payment.VOIDED, Payment.TOMBSTONE}
GIVEN_UP = "no_answer"
"""The reason when nobody is at fault but the provider."""


def held_by_provider(held: Held) -> list[int]:
    """The amounts that the provider holds or has taken."""
    holds = held.till.book.holds.values()
    return [hold.amount for hold in holds if hold.status in {"authorized", "captured"}]


def taken(held: Held) -> int:
    return sum(entry.amount for entry in held.till.entries if entry.status == "captured")


def order_status(held: Held) -> Order | None:
    return held.order.status if held.order else None


def payment_status(held: Held) -> Payment | None:
    return held.till.payment.status if held.till.payment else None


def needs_human(held: Held) -> bool:
    return payment_status(held) is Payment.ATTENTION


def contradicts(held: Held) -> bool:
    """A human is needed, and not because the provider never answered."""
    payment = held.till.payment
    return needs_human(held) and payment is not None and payment.reason != GIVEN_UP


def is_incomplete(held: Held) -> bool:
    """I3, from the moment of the decision on."""
    return held.row.status is Status.COMPLETED and not (
        held.reservation.status is Stock.DONE
        and order_status(held) in {Order.PROCESSING, Order.APPROVED}
        and payment_status(held)
        in {Payment.AUTHORIZED, Payment.CAPTURING, Payment.CAPTURED, Payment.ATTENTION}
        and held_by_provider(held) == [PRICE]
        and held.row.total == held.reservation.total == PRICE
    )


FACTS: Mapping[int, Callable[[Held], bool]] = {
    1: lambda held: held.reservation.status in {Stock.UNDONE, Stock.REFUSED, Stock.TOMBSTONE},
    2: lambda held: order_status(held) in UNDONE_ORDER,
    4: lambda held: payment_status(held) in NOT_PAID and not held_by_provider(held),
    8: lambda held: len(held.mails) == 1,
    16: lambda held: order_status(held) is Order.APPROVED,
    32: lambda held: payment_status(held) is Payment.CAPTURED and taken(held) == PRICE,
}
"""What each confirmation, by its bit, says for ever."""

MAILS = {Status.PENDING: set[str](), Status.COMPLETED: {"receipt"}}
"""The kinds that a purchase may be told; the others are told of their failure."""

NEVER: Mapping[str, Callable[[Held], bool]] = {
    "two holds at the provider": lambda held: len(held_by_provider(held)) > 1,
    "the provider holds the wrong amount": lambda held: any(
        amount != PRICE for amount in held_by_provider(held)
    ),
    "money taken for a purchase that is not completed": lambda held: (
        taken(held) > 0 and held.row.status is not Status.COMPLETED
    ),
    "a contradiction in payment": contradicts,
    "completed, but a step is not done": is_incomplete,
    "the wrong mail, or two": lambda held: (
        len(held.mails) > 1
        or not {each.kind for each in held.mails} <= MAILS.get(held.row.status, {"failure"})
    ),
    "confirmed, but not so": lambda held: (
        not all(is_so(held) for bit, is_so in FACTS.items() if bit & held.row.acknowledged)
    ),
}


def wrong_with(held: Held) -> str | None:
    """What must never be, of one purchase."""
    return next((what for what, is_so in NEVER.items() if is_so(held)), None)


def reserved(held: Held) -> int:
    """Units that the purchase keeps from the shelf."""
    done = held.reservation.status is Stock.DONE
    return sum(item.quantity for item in held.reservation.items) if done else 0


def wrong_shelf(ware: Ware, reserved: int, units: int) -> str | None:
    """I1 and I2."""
    if ware.available < 0:
        return "oversold"
    return None if ware.available + reserved == units else "stock not conserved"


def unfinished(books: Iterable[Held]) -> str | None:
    """What is wrong with leaving it at that (I4, I10): all must be confirmed, and what is confirmed is so."""
    statuses = {held.row.status for held in books if not held.row.is_settled}
    if Status.PENDING in statuses:
        return "stuck PENDING"
    return "not settled" if statuses else None


def check_log(before: Row, outcome: Outcome) -> Row:
    """The row as it is written; its log is numbered by the real rule. Raises Violation (I5, I8)."""
    decision = (before.status, before.reason)
    if before.status is not Status.PENDING and (outcome.row.status, outcome.row.reason) != decision:
        raise Violation("the decision changed")
    [written], events = numbered([outcome], AT, {before.account_id: before.last_seq})
    numbers = list(range(before.last_seq + 1, written.row.last_seq + 1))
    if numbers != [event.seq for event in events] or numbers != [event.account_seq for event in events]:
        raise Violation("the log has a gap")
    _check_end(before, written.row, events)
    _check_steps(before, outcome)
    return written.row


def has_ended(row: Row) -> bool:
    return row.status is Status.COMPLETED or row.is_settled


def _check_end(before: Row, after: Row, events: list[Event]) -> None:
    if has_ended(before) and events:
        raise Violation("the log goes on after its end")
    lasts = [is_last(event.type) for event in events]
    if any(lasts[:-1]) or any(lasts) != (has_ended(after) and not has_ended(before)):
        raise Violation("the log ends twice, or never")


def _check_steps(before: Row, outcome: Outcome) -> None:
    known = {*arbiter.STEPS[: before.rank], "accepted"}
    known |= {name for bit, name in arbiter.UNDO_STEPS.items() if bit & before.acknowledged}
    for entry in outcome.entries:
        if entry.type == "step":
            if entry.detail["step"] in known:
                raise Violation("a step is told twice")
            known.add(entry.detail["step"])
