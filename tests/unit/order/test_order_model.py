"""The participant's table (protocol 3), cell by cell, over the function that the service runs."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.message import Command, Item, Purchase, Refusal, Reply
from common.contracts.order import (
    ApproveOrder,
    CancelOrder,
    CreateOrder,
    OrderApproved,
    OrderCancelled,
    OrderCreated,
    OrderRefused,
)
from order.model import ACCOUNT_INACTIVE, Account, Contradiction, Order, Status, fold, obey, opened

BUYER = Account(active=True, address="1 Quay", phone_number="+84123456")
CLOSED = Account(active=False, address="1 Quay", phone_number="+84123456")


def purchase(attempt: int = 0) -> Purchase:
    return Purchase(
        id=UUID(int=7),
        attempt=attempt,
        account_id=UUID(int=1),
        items=(Item(product_id=UUID(int=2), quantity=3, name="Tea", brand_name="Leaf", unit_price=5),),
        total=15,
        currency_code="VND",
        method="cash",
        installments=1,
        issued_on=date(2026, 1, 1),
        deadline_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def said(kind: type[Command], attempt: int = 0) -> Command:
    return kind(purchase=purchase(attempt), cause_id="cause")


REFUSED = Order(Status.REFUSED, ACCOUNT_INACTIVE)

CELLS: list[tuple[Order | None, type[Command], Status, type[Reply]]] = [
    (None, CreateOrder, Status.PROCESSING, OrderCreated),
    (None, CancelOrder, Status.TOMBSTONE, OrderCancelled),
    (Order(Status.PROCESSING), CreateOrder, Status.PROCESSING, OrderCreated),
    (Order(Status.PROCESSING), CancelOrder, Status.CANCELED, OrderCancelled),
    (Order(Status.PROCESSING), ApproveOrder, Status.APPROVED, OrderApproved),
    (Order(Status.APPROVED), CreateOrder, Status.APPROVED, OrderCreated),
    (Order(Status.APPROVED), ApproveOrder, Status.APPROVED, OrderApproved),
    (Order(Status.CANCELED), CreateOrder, Status.CANCELED, OrderRefused),
    (Order(Status.CANCELED), CancelOrder, Status.CANCELED, OrderCancelled),
    (REFUSED, CreateOrder, Status.REFUSED, OrderRefused),
    (REFUSED, CancelOrder, Status.REFUSED, OrderCancelled),
    (Order(Status.TOMBSTONE), CreateOrder, Status.TOMBSTONE, OrderRefused),
    (Order(Status.TOMBSTONE), CancelOrder, Status.TOMBSTONE, OrderCancelled),
]


@pytest.mark.parametrize(("before", "kind", "status", "answer"), CELLS)
def test_every_cell_of_the_table_is_as_the_protocol_says(
    before: Order | None, kind: type[Command], status: Status, answer: type[Reply]
) -> None:
    after, reply = obey(before, said(kind), BUYER)
    assert (after.status, type(reply)) == (status, answer)


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        (None, ApproveOrder),
        (Order(Status.CANCELED), ApproveOrder),
        (REFUSED, ApproveOrder),
        (Order(Status.TOMBSTONE), ApproveOrder),
        (Order(Status.APPROVED), CancelOrder),
    ],
)
def test_what_one_arbiter_cannot_say_is_neither_done_nor_confirmed(
    before: Order | None, kind: type[Command]
) -> None:
    with pytest.raises(Contradiction):
        obey(before, said(kind), BUYER)


def test_an_account_that_was_closed_in_between_gets_no_order() -> None:
    after, reply = obey(None, said(CreateOrder), CLOSED)
    assert isinstance(reply, Refusal)
    assert (after, reply.reason) == (REFUSED, ACCOUNT_INACTIVE)


def test_a_refusal_stays_when_its_cause_is_gone() -> None:
    refused, _ = obey(None, said(CreateOrder), CLOSED)
    again, reply = obey(refused, said(CreateOrder, attempt=1), BUYER)
    assert isinstance(reply, Refusal)
    assert (again, reply.reason) == (REFUSED, ACCOUNT_INACTIVE)


@pytest.mark.parametrize("undone", [Status.CANCELED, Status.TOMBSTONE])
def test_a_create_that_comes_after_the_undo_is_refused_as_cancelled(undone: Status) -> None:
    _, reply = obey(Order(undone), said(CreateOrder))
    assert isinstance(reply, Refusal)
    assert reply.reason == "cancelled"


@pytest.mark.parametrize("kind", [CreateOrder, CancelOrder])
def test_a_new_attempt_gets_the_same_answer_under_its_own_id(kind: type[Command]) -> None:
    row, first = obey(None, said(kind), BUYER)
    same, second = obey(row, said(kind, attempt=1), BUYER)
    assert same == row
    assert type(first) is type(second)
    assert (first.id, second.id) == (f"{said(kind).id}:r", f"{said(kind, attempt=1).id}:r")


def test_the_answer_carries_the_priced_purchase_on() -> None:
    _, reply = obey(None, said(CreateOrder), BUYER)
    assert reply.purchase == purchase()


@given(st.lists(st.sampled_from([CreateOrder, CancelOrder]), min_size=1, max_size=8))
def test_in_any_order_an_undo_is_for_ever_and_nobody_is_told_otherwise(kinds: list[type[Command]]) -> None:
    commands = [said(kind, attempt) for attempt, kind in enumerate(kinds)]
    first = opened(commands[0], BUYER)
    assert first is not None
    order, replies = fold(first, commands)
    if CancelOrder not in kinds:
        assert order.status is Status.PROCESSING
        return
    assert order.status in {Status.CANCELED, Status.TOMBSTONE}
    undone = kinds.index(CancelOrder)
    assert all(type(reply) is OrderCreated for reply in replies[:undone])
    assert all(type(reply) in {OrderCancelled, OrderRefused} for reply in replies[undone:])


@given(st.lists(st.sampled_from([CreateOrder, ApproveOrder]), max_size=8))
def test_in_any_order_a_completed_purchase_keeps_its_order(kinds: list[type[Command]]) -> None:
    order, replies = fold(Order(Status.PROCESSING), [said(kind, n) for n, kind in enumerate(kinds)])
    assert order.status is (Status.APPROVED if ApproveOrder in kinds else Status.PROCESSING)
    assert not any(isinstance(reply, Refusal) for reply in replies)


@given(st.sampled_from(CELLS))
def test_obeying_twice_changes_nothing_and_answers_the_same(
    cell: tuple[Order | None, type[Command], Status, type[Reply]],
) -> None:
    before, kind, *_ = cell
    once, first = obey(before, said(kind), BUYER)
    assert obey(once, said(kind)) == (once, first)
