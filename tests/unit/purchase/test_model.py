"""The arbiter's rules, without I/O."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts import mail, order, payment, product
from common.contracts.message import Item, Purchase, PurchaseMessage, Reply
from common.contracts.purchase import (
    CompletePurchase,
    FailPurchase,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRequested,
)
from common.ids import new_id
from purchase.model import Outcome, Row, Status, cancel, fold, is_last, react, redrive, time_out

ITEM = Item(product_id=new_id(), quantity=2)
PRICED = Item(product_id=ITEM.product_id, quantity=2, name="Lamp", brand_name="Lux", unit_price=500)

NEW = Row(
    id=new_id(),
    account_id=new_id(),
    status=Status.PENDING,
    reason=None,
    rank=0,
    attempt=0,
    issued_on=date(2026, 1, 1),
    deadline_at=datetime(2026, 1, 1, tzinfo=UTC),
    acknowledged=0,
    items=(ITEM,),
    total=0,
    currency_code="VND",
    method="cash",
    installments=1,
    payment_token=None,
    traceparent=None,
    last_seq=1,
)
CONTEXT = Purchase(
    **{name: getattr(NEW.context(), name) for name in Purchase.__struct_fields__}
    | {"items": (PRICED,), "total": 1000}
)


def reply(kind: type[Reply]) -> Reply:
    return kind(cause_id=kind.__name__, purchase=CONTEXT)


COMPLETE = CompletePurchase(purchase=CONTEXT)
FAIL = FailPurchase(purchase=CONTEXT, step="order", reason="cancelled")
RESERVED, CREATED = reply(product.StockReserved), reply(order.OrderCreated)
UNDONE = [
    reply(product.StockReleased),
    reply(order.OrderCancelled),
    reply(payment.PaymentVoided),
    reply(mail.MailAccepted),
]
CLOSED = [reply(order.OrderApproved), reply(payment.PaymentCaptured), reply(mail.MailAccepted)]


def seen(outcome: Outcome) -> list[str]:
    return [
        f"{entry.detail['step']} {entry.detail['status']}" if entry.type == "step" else entry.type
        for entry in outcome.entries
    ]


def test_steps_are_told_in_order_and_a_later_one_implies_the_earlier() -> None:
    assert seen(fold(NEW, [RESERVED, CREATED])) == ["reserve done", "order done"]
    assert seen(fold(NEW, [CREATED, RESERVED])) == ["reserve done", "order done"]
    assert seen(fold(NEW, [COMPLETE])) == ["reserve done", "order done", "payment done", "completed"]


def test_prices_and_total_are_kept_when_they_become_known() -> None:
    row = react(NEW, RESERVED).row
    assert (row.items, row.total) == ((PRICED,), 1000)


def test_a_refusal_shows_the_step_that_refused() -> None:
    outcome = fold(NEW, [FAIL])
    assert seen(outcome) == ["reserve done", "order refused", "failed"]
    [said] = outcome.said
    assert isinstance(said, PurchaseCancelled)
    assert (said.status, said.reason, said.cause_id) == ("FAILED", "cancelled", FAIL.id)


@pytest.mark.parametrize("late", [COMPLETE, FAIL, RESERVED, CREATED])
def test_after_a_decision_nothing_decides_again(late: PurchaseMessage) -> None:
    for decided in (cancel(NEW).row, time_out(NEW).row, react(NEW, COMPLETE).row):
        assert react(decided, late) == Outcome(decided)
        assert cancel(decided) == time_out(decided) == Outcome(decided)


def test_a_failed_purchase_settles_when_everything_is_undone_and_its_mail_accepted() -> None:
    failed = cancel(NEW).row
    outcome = fold(failed, UNDONE)
    assert seen(outcome) == ["release done", "cancel done", "void done", "settled"]
    assert outcome.row.is_settled
    for missing in UNDONE:
        assert not fold(failed, [each for each in UNDONE if each is not missing]).row.is_settled


def test_a_completed_purchase_settles_silently() -> None:
    outcome = fold(react(NEW, COMPLETE).row, CLOSED)
    assert seen(outcome) == []
    assert outcome.row.is_settled


def test_a_redrive_repeats_the_last_word_under_a_new_attempt_and_date() -> None:
    today = date(2026, 2, 2)
    for row, kind in (
        (NEW, PurchaseRequested),
        (react(NEW, COMPLETE).row, PurchaseCompleted),
        (cancel(NEW).row, PurchaseCancelled),
    ):
        outcome = redrive(row, today)
        [word] = outcome.said
        assert isinstance(word, kind)
        assert (word.purchase.attempt, word.purchase.issued_on) == (1, today)
        assert outcome.entries == ()


@given(st.lists(st.sampled_from([RESERVED, CREATED, COMPLETE, FAIL, *UNDONE, *CLOSED])))
def test_whatever_comes_in_whatever_order_one_decision_and_a_log_that_ends_once(
    messages: list[PurchaseMessage],
) -> None:
    whole = fold(NEW, messages)
    kinds = [entry.type for entry in whole.entries]
    decisions = [kind for kind in kinds if kind in {"completed", "failed", "timed_out"}]
    assert len(decisions) == (whole.row.status is not Status.PENDING)
    assert len(whole.said) == len(decisions)
    assert sum(map(is_last, kinds)) <= 1
    assert not any(map(is_last, kinds[:-1]))
    steps = [entry.detail["step"] for entry in whole.entries if entry.type == "step"]
    assert len(steps) == len(set(steps))
    assert fold(whole.row, messages).said == ()
