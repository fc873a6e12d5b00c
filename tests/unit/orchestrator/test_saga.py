"""Every story that participants can tell, told to the real saga."""

import itertools
from datetime import UTC, date, datetime

import pytest

from common.contracts.message import Command, Message, Purchase, Refusal, Reply, subject
from common.contracts.purchase import (
    FailPurchase,
    LetterRetried,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRequested,
)
from common.ids import new_id
from common.messaging.streams import CONSUMERS
from orchestrator.purchase import PURCHASE


def a_purchase() -> Purchase:
    return Purchase(
        id=new_id(),
        attempt=3,
        account_id=new_id(),
        items=(),
        currency_code="VND",
        method="cash",
        installments=1,
        issued_on=date(2026, 1, 1),
        deadline_at=datetime.now(UTC),
    )


def answer(command: Message, *, refuse: bool) -> Reply:
    step = next(step for step in PURCHASE.steps if isinstance(command, step.command))
    assert isinstance(command, Command)
    if refuse:
        return step.refused(cause_id=command.id, purchase=command.purchase, reason="because")
    return step.done.following(command)


@pytest.mark.parametrize("refused_at", [*range(len(PURCHASE.steps)), None])
def test_a_story_asks_each_step_in_order_and_ends_at_the_arbiter(refused_at: int | None) -> None:
    event: Message = PurchaseRequested(purchase=a_purchase())
    for number, step in enumerate(PURCHASE.steps):
        [command] = PURCHASE.decide(event)
        assert type(command) is step.command
        assert command.cause_id == event.id
        event = answer(command, refuse=number == refused_at)
        if number == refused_at:
            break
    [end] = PURCHASE.decide(event)
    if refused_at is None:
        assert type(end) is PURCHASE.complete
    else:
        assert isinstance(end, FailPurchase)
        assert (end.step, end.reason) == (PURCHASE.steps[refused_at].name, "because")


def test_a_cancellation_reaches_every_participant_in_reverse() -> None:
    cancelled = PurchaseCancelled(purchase=a_purchase(), status="FAILED", reason="x")
    undone = [type(command) for command in PURCHASE.decide(cancelled)]
    assert undone == [step.undo for step in reversed(PURCHASE.steps)]


def test_a_completion_closes_what_can_be_closed() -> None:
    closed = {type(command) for command in PURCHASE.decide(PurchaseCompleted(purchase=a_purchase()))}
    assert closed == {step.close for step in PURCHASE.steps if step.close}


def test_the_same_event_always_gets_the_same_answer_under_the_same_ids() -> None:
    event = PurchaseCompleted(purchase=a_purchase())
    first, second = PURCHASE.decide(event), PURCHASE.decide(event)
    assert first == second
    assert [message.id for message in first] == [message.id for message in second]
    assert len({message.id for message in first}) == len(first)


def test_no_event_has_two_meanings() -> None:
    assert len(set(PURCHASE.hears)) == len(PURCHASE.hears)
    kinds = itertools.chain(PURCHASE.following, PURCHASE.refusals)
    assert all(not issubclass(kind, Refusal) or kind in PURCHASE.refusals for kind in kinds)


def test_the_orchestrator_hears_exactly_what_the_saga_knows() -> None:
    [hears] = [each for each in CONSUMERS if each.durable == "orchestrator"]
    heard: list[type[Message]] = [*PURCHASE.hears, LetterRetried]
    assert sorted(hears.filters) == sorted(subject(event) for event in heard)


def test_a_new_attempt_says_the_same_under_new_ids() -> None:
    purchase = a_purchase()
    again = Purchase(
        **{name: getattr(purchase, name) for name in purchase.__struct_fields__} | {"attempt": 4}
    )
    [first] = PURCHASE.decide(PurchaseRequested(purchase=purchase))
    [second] = PURCHASE.decide(PurchaseRequested(purchase=again))
    assert first.id != second.id
    assert first.correlation_id == second.correlation_id
