"""Every cell of the payment's table (protocol 3), and the same with a provider that forgets to answer."""

import pytest
from msgspec.structs import replace

from common.contracts.message import Reply
from common.contracts.payment import PaymentAuthorized, PaymentCaptured, PaymentDeclined, PaymentVoided
from payment.model import rules
from payment.model.answers import Answer, Authorized, Captured, Declined, Refused, Unknown, Voided
from payment.model.row import Payment, Schedule, Status, Unanswered
from payment.model.rules import PaymentCommand
from tests.unit.payment.words import FIXED, authorize, capture, void

A, V, C = authorize(), void(), capture()
HELD = Unanswered(authorize=A)
CANCELLED = Unanswered(authorize=A, void=V)


def row(status: Status | None, unanswered: Unanswered | None = None) -> Payment | None:
    if status is None:
        return None
    waiting = {
        Status.AUTHORIZING: HELD,
        Status.CAPTURING: Unanswered(capture=C),
        Status.VOIDING: Unanswered(void=V),
    }
    reason = {Status.DECLINED: "card_declined", Status.ATTENTION: "no_answer"}.get(status)
    left = unanswered or waiting.get(status, Unanswered())
    return rules.opened(FIXED, status, reason=reason, unanswered=left)


def said(replies: list[Reply]) -> list[type[Reply]]:
    return [type(reply) for reply in replies]


CELLS: list[tuple[Status | None, PaymentCommand, Status, list[type[Reply]]]] = [
    (None, A, Status.AUTHORIZING, []),
    (Status.AUTHORIZING, A, Status.AUTHORIZING, []),
    (Status.AUTHORIZED, A, Status.AUTHORIZED, [PaymentAuthorized]),
    (Status.CAPTURING, A, Status.CAPTURING, [PaymentAuthorized]),
    (Status.CAPTURED, A, Status.CAPTURED, [PaymentAuthorized]),
    (Status.DECLINED, A, Status.DECLINED, [PaymentDeclined]),
    (Status.VOIDING, A, Status.VOIDING, [PaymentDeclined]),
    (Status.VOIDED, A, Status.VOIDED, [PaymentDeclined]),
    (Status.TOMBSTONE, A, Status.TOMBSTONE, [PaymentDeclined]),
    (Status.ATTENTION, A, Status.ATTENTION, []),
    (None, V, Status.TOMBSTONE, [PaymentVoided]),
    (Status.AUTHORIZING, V, Status.AUTHORIZING, []),
    (Status.AUTHORIZED, V, Status.VOIDING, []),
    (Status.CAPTURING, V, Status.ATTENTION, []),
    (Status.CAPTURED, V, Status.ATTENTION, []),
    (Status.DECLINED, V, Status.DECLINED, [PaymentVoided]),
    (Status.VOIDING, V, Status.VOIDING, []),
    (Status.VOIDED, V, Status.VOIDED, [PaymentVoided]),
    (Status.TOMBSTONE, V, Status.TOMBSTONE, [PaymentVoided]),
    (Status.ATTENTION, V, Status.ATTENTION, []),
    (None, C, Status.ATTENTION, []),
    (Status.AUTHORIZING, C, Status.ATTENTION, []),
    (Status.AUTHORIZED, C, Status.CAPTURING, []),
    (Status.CAPTURING, C, Status.CAPTURING, []),
    (Status.CAPTURED, C, Status.CAPTURED, [PaymentCaptured]),
    (Status.DECLINED, C, Status.ATTENTION, []),
    (Status.VOIDING, C, Status.ATTENTION, []),
    (Status.VOIDED, C, Status.ATTENTION, []),
    (Status.TOMBSTONE, C, Status.ATTENTION, []),
    (Status.ATTENTION, C, Status.ATTENTION, []),
]


@pytest.mark.parametrize(("before", "command", "after", "replies"), CELLS)
def test_a_row_hears_a_command(
    before: Status | None, command: PaymentCommand, after: Status, replies: list[type[Reply]]
) -> None:
    payment, heard = rules.hear(row(before), command)
    assert (payment.status, said(heard)) == (after, replies)


def test_the_cells_are_all_there_are() -> None:
    assert len({(before, type(command)) for before, command, *_ in CELLS}) == 3 * (len(Status) + 1)


ANSWERS: list[tuple[Status, Unanswered | None, Answer, Status, list[type[Reply]]]] = [
    (Status.AUTHORIZING, HELD, Authorized(), Status.AUTHORIZED, [PaymentAuthorized]),
    (Status.AUTHORIZING, CANCELLED, Authorized(), Status.VOIDING, [PaymentDeclined]),
    (Status.AUTHORIZING, HELD, Declined("no"), Status.DECLINED, [PaymentDeclined]),
    (Status.AUTHORIZING, CANCELLED, Declined("no"), Status.DECLINED, [PaymentDeclined, PaymentVoided]),
    (Status.AUTHORIZING, HELD, Unknown("?"), Status.AUTHORIZING, []),
    (Status.AUTHORIZING, CANCELLED, Unknown("?"), Status.AUTHORIZING, []),
    (Status.CAPTURING, None, Captured(), Status.CAPTURED, [PaymentCaptured]),
    (Status.CAPTURING, None, Refused("gone"), Status.ATTENTION, []),
    (Status.CAPTURING, None, Unknown("?"), Status.CAPTURING, []),
    (Status.VOIDING, None, Voided(), Status.VOIDED, [PaymentVoided]),
    (Status.VOIDING, None, Refused("captured"), Status.ATTENTION, []),
    (Status.VOIDING, None, Unknown("?"), Status.VOIDING, []),
]


@pytest.mark.parametrize(("before", "unanswered", "answer", "after", "replies"), ANSWERS)
def test_a_row_learns_the_answer_of_the_provider(
    before: Status,
    unanswered: Unanswered | None,
    answer: Answer,
    after: Status,
    replies: list[type[Reply]],
) -> None:
    payment = row(before, unanswered)
    assert payment is not None
    changed, heard = rules.learn(payment, before, answer)
    assert (changed.status, said(heard)) == (after, replies)
    assert changed.calls == (1 if isinstance(answer, Unknown) else 0)


@pytest.mark.parametrize("asked", [Status.AUTHORIZING, Status.CAPTURING, Status.VOIDING])
@pytest.mark.parametrize("now", list(Status))
def test_a_late_answer_changes_nothing(asked: Status, now: Status) -> None:
    payment = row(now)
    assert payment is not None
    if now is asked:
        return
    for answer in (Authorized(), Declined("no"), Captured(), Voided(), Refused("no"), Unknown("?")):
        assert rules.learn(payment, asked, answer) == (payment, [])


def test_a_refusal_is_sticky_with_its_reason() -> None:
    first, _ = rules.hear(None, A)
    refused, [reply] = rules.learn(first, Status.AUTHORIZING, Declined("card_declined"))
    again, [repeated] = rules.hear(refused, authorize(replace(FIXED, attempt=3)))
    assert isinstance(reply, PaymentDeclined)
    assert isinstance(repeated, PaymentDeclined)
    assert (reply.reason, repeated.reason) == ("card_declined", "card_declined")
    assert (reply.id, repeated.id) == (f"{A.id}:r", f"cmd.payment.authorize_payment:{FIXED.id}:3:r")
    assert again == refused


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0), (1, 0, 2)])
def test_the_answer_goes_out_once_under_the_newest_attempt(order: tuple[int, ...]) -> None:
    payment, nothing = rules.fold(None, [authorize(replace(FIXED, attempt=each)) for each in order])
    _, [reply] = rules.learn(payment, Status.AUTHORIZING, Authorized())
    assert nothing == []
    assert reply.id.endswith(":2:r")


def test_a_method_that_is_not_taken_is_declined_without_asking() -> None:
    payment, [reply] = rules.hear(None, authorize(replace(FIXED, method="cash", installments=2)))
    assert payment.status is Status.DECLINED
    assert isinstance(reply, PaymentDeclined)


def test_the_amount_is_the_total_that_product_computed() -> None:
    payment, _ = rules.hear(None, A)
    assert payment.amount == FIXED.total


def test_giving_up_keeps_what_is_unanswered() -> None:
    payment, _ = rules.fold(None, [A, V])
    left = rules.give_up(payment)
    assert (left.status, left.unanswered, left.reason) == (Status.ATTENTION, CANCELLED, "no_answer")


def test_the_pause_between_questions_doubles_up_to_a_minute() -> None:
    schedule = Schedule(lease=7, first=5, most=60, give_up=1)
    payment, _ = rules.hear(None, A)
    waits = [schedule.wait(replace(payment, calls=calls)) for calls in (0, 1, 2, 3, 4, 5, 6, 5000)]
    assert waits == [7, 5, 10, 20, 40, 60, 60, 60]
    assert schedule.wait(replace(payment, status=Status.CAPTURED)) is None


def test_each_question_has_a_schedule_of_its_own() -> None:
    payment, _ = rules.hear(None, A)
    held, _ = rules.learn(replace(payment, calls=5), Status.AUTHORIZING, Authorized())
    capturing, _ = rules.hear(held, C)
    assert (held.calls, capturing.calls) == (0, 0)


def test_the_owner_sees_what_the_provider_has_confirmed() -> None:
    assert (Status.CAPTURING.shown, Status.VOIDING.shown) == (Status.AUTHORIZED, Status.AUTHORIZED)
    assert Status.AUTHORIZING.shown is Status.AUTHORIZING
