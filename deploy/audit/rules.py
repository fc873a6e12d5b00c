"""What must be true of one purchase, whoever is asked. Pure: rows in, findings out.

The participants were read before the purchase, and after the horizon. So what they did because of a decision,
the purchase knows; and what a purchase was settled by before the horizon, they show.
"""

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from deploy.audit.findings import Bounds, Finding
from deploy.audit.scratch import NOTHING, Money

Row = Any
"""Of whichever table; read by the names of its columns."""

RESERVED, APPROVED, CAPTURED = {"DONE"}, {"APPROVED"}, {"CAPTURED"}
ORDERED = {"PROCESSING", "APPROVED"}
PAYABLE = {"AUTHORIZED", "CAPTURING", "CAPTURED", "ATTENTION"}
NOT_PAID = {"VOIDED", "DECLINED", "TOMBSTONE"}
NONE: Row = MappingProxyType({"status": None, "total": None})


class Case(NamedTuple):
    """Everything that is known of one purchase."""

    id: UUID
    purchase: Row | None
    reservation: Row = NONE
    order: Row = NONE
    payment: Row = NONE
    mails: Sequence[Row] = ()
    money: Money = NOTHING

    def found(self, invariant: str, what: str, seen: object = "") -> Finding:
        return Finding(invariant, str(self.id), what, str(seen), self.id)


def judge(case: Case, bounds: Bounds) -> Iterator[Finding]:
    purchase = case.purchase
    yield from once(case)
    if purchase is None:
        yield from unknown(case)
        return
    yield from log(case, purchase)
    yield from settlement(case, purchase, bounds)
    match purchase["status"]:
        case "COMPLETED":
            yield from completed(case, purchase, bounds)
        case "PENDING":
            yield from nothing_final(case, "before it is decided")
        case _:
            yield from nothing_final(case, "though it did not complete")
            if purchase["is_settled"]:
                yield from undone(case, purchase, bounds)


def once(case: Case) -> Iterator[Finding]:
    """I6, for whatever purchase."""
    if case.money.holds > 1:
        yield case.found("I6", "was held more than once", case.money.holds)
    if case.money.captures > 1:
        yield case.found("I6", "was captured more than once", case.money.captures)
    if case.money.held < 0:
        yield case.found("I6", "gave back or took more than was held", case.money.held)


def unknown(case: Case) -> Iterator[Finding]:
    """Somebody acts for a purchase that is not there."""
    rows = {"product": case.reservation, "order": case.order, "payment": case.payment}
    known = [service for service, row in rows.items() if row["status"]] + ["mail"] * bool(case.mails)
    if known:
        yield case.found("I5", "is not there, though others know it", ", ".join(known))
    if case.money.held or case.money.taken:
        yield case.found("I6", "is not there, and money was moved for it", f"{case.money}")


def log(case: Case, purchase: Row) -> Iterator[Finding]:
    """One snapshot with the row."""
    events, last = purchase["events"], purchase["last_seq"]
    if (purchase["first"], purchase["last"], events) != (1, last, last):
        seen = f"{events} events from {purchase['first']} to {purchase['last']}, the counter is at {last}"
        yield case.found("I8", "has a gap in its log", seen)
    is_decided = purchase["status"] != "PENDING"
    if purchase["decisions"] != is_decided:
        yield case.found("I5", "is not decided once in its log", purchase["decisions"])
    elif is_decided and purchase["decision"] != purchase["status"]:
        seen = f"{purchase['status']}, the log says {purchase['decision']}"
        yield case.found("I5", "has another end than its log", seen)
    if purchase["is_dated"] != is_decided or (not purchase["is_open"] and not is_decided):
        yield case.found("I5", "was decided or settled at a time that its status denies", purchase["status"])


def settlement(case: Case, purchase: Row, bounds: Bounds) -> Iterator[Finding]:
    """I10. Nobody else is asked: a purchase that is not settled is not judged as one that is."""
    if purchase["status"] == "PENDING":
        if purchase["overdue"] > bounds.late or bounds.is_closed:
            yield case.found("I10", "is PENDING past its deadline", f"{purchase['overdue']:.1f} s")
    elif purchase["is_open"] and ((purchase["decided_for"] or 0.0) > bounds.settle or bounds.is_closed):
        yield case.found("I10", "is decided and not settled", f"{purchase['decided_for'] or 0:.1f} s")


def completed(case: Case, purchase: Row, bounds: Bounds) -> Iterator[Finding]:
    """Decided: all three were there. Settled: everything is final."""
    total, taken = purchase["total"], case.money.taken
    if taken not in {0, total}:
        yield case.found("I6", "owes another sum than was taken", f"{total} and {taken}")
    if any(mail["kind"] == "failure" for mail in case.mails):
        yield case.found("I7", "completed and has a notice of failure")
    if not purchase["is_decided"]:
        return
    settled = purchase["is_settled"]
    for what, row, wanted in (
        ("reservation", case.reservation, RESERVED),
        ("order", case.order, APPROVED if settled else ORDERED),
        ("payment", case.payment, CAPTURED if settled else PAYABLE),
    ):
        if row["status"] not in wanted:
            yield case.found("I3", f"completed without its {what}", row["status"])
        elif row["total"] != total:
            yield case.found("I3", f"has another total than its {what}", f"{total} and {row['total']}")
    if settled:
        yield from paid(case, total)
        yield from mailed(case, purchase, "receipt", bounds)


def paid(case: Case, total: int) -> Iterator[Finding]:
    if not case.money.taken and total:
        yield case.found("I6", "completed, and the provider took nothing", f"{total} is owed")
    if case.money.held > 0:
        yield case.found("I6", "completed, and a hold is left", case.money.held)


def nothing_final(case: Case, why: str) -> Iterator[Finding]:
    """Only a completion leads here, and it is final: this is wrong at once, settled or not."""
    if case.order["status"] in APPROVED:
        yield case.found("I4", f"has an approved order {why}")
    if case.payment["status"] in CAPTURED | {"CAPTURING"}:
        yield case.found("I4", f"has a captured payment {why}", case.payment["status"])
    if case.money.taken:
        yield case.found("I4", f"was captured at the provider {why}", case.money.taken)
    if any(mail["kind"] == "receipt" for mail in case.mails):
        yield case.found("I7", f"has a receipt {why}")


def undone(case: Case, purchase: Row, bounds: Bounds) -> Iterator[Finding]:
    if case.reservation["status"] in {*RESERVED, None}:
        yield case.found("I4", "is settled, and its stock is not released", case.reservation["status"])
    if case.order["status"] in {"PROCESSING", None}:
        yield case.found("I4", "is settled, and its order is not cancelled", case.order["status"])
    if case.payment["status"] not in NOT_PAID | CAPTURED:
        yield case.found("I4", "is settled, and its payment is not voided", case.payment["status"])
    if case.money.held > 0:
        yield case.found("I4", "is settled, and the provider holds money for it", case.money.held)
    yield from mailed(case, purchase, "failure", bounds)


def mailed(case: Case, purchase: Row, kind: str, bounds: Bounds) -> Iterator[Finding]:
    """One of its kind. Accepting it settles; the books are closed when it is sent."""
    mails = [mail for mail in case.mails if mail["kind"] == kind]
    if len(mails) > 1:
        yield case.found("I7", f"has more than one {kind} mail", len(mails))
    if not mails and purchase["is_recent"]:
        yield case.found("I7", f"is settled without its {kind} mail")
    if bounds.is_closed and any(mail["status"] != "sent" for mail in mails):
        yield case.found("I7", f"has a {kind} mail that was not sent", mails[0]["status"])
