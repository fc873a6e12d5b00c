"""The rules, pure: row and message, row and answer of the provider (protocol 3, P5, P6, P11, P12)."""

from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from common.contracts.message import Purchase, Reply
from common.contracts.methods import is_accepted
from common.contracts.payment import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentVoided,
    VoidPayment,
)
from payment.model.answers import Answer, Authorized, Captured, Declined, Refused, Unknown, Voided
from payment.model.row import NOTHING, Payment, Status, Unanswered

COMMANDS = (AuthorizePayment, CapturePayment, VoidPayment)
PaymentCommand = AuthorizePayment | CapturePayment | VoidPayment
C = TypeVar("C", AuthorizePayment, CapturePayment, VoidPayment)

Change = tuple[Payment, list[Reply]]

CANCELLED = "cancelled"


def fold(payment: Payment | None, commands: Iterable[PaymentCommand]) -> Change:
    """What a batch says to one payment, in order. At least one command."""
    said: list[Reply] = []
    for command in commands:
        payment, replies = hear(payment, command)
        said += replies
    assert payment is not None
    return payment, said


def fold_answers(payment: Payment, answers: Iterable[tuple[Status, Answer]]) -> Change:
    """What the provider answered about one payment, each with the status in which it was asked."""
    said: list[Reply] = []
    for asked, answer in answers:
        payment, replies = learn(payment, asked, answer)
        said += replies
    return payment, said


def hear(payment: Payment | None, command: PaymentCommand) -> Change:
    """Row and message. A new attempt does nothing twice and gets the same answer under its own id (P5)."""
    match command:
        case AuthorizePayment():
            return _authorize(payment, command)
        case CapturePayment():
            return _capture(payment, command)
        case VoidPayment():
            return _void(payment, command)


def _authorize(payment: Payment | None, command: AuthorizePayment) -> Change:
    if payment is None:
        return _first(command)
    match payment.status:
        case Status.AUTHORIZING:
            newest = newer(payment.unanswered.authorize, command)
            return waiting(payment, authorize=newest), []
        case Status.AUTHORIZED | Status.CAPTURING | Status.CAPTURED:
            return payment, [PaymentAuthorized.following(command)]
        case Status.ATTENTION:
            return payment, []
        case _:
            return payment, [declined(command, payment.reason or CANCELLED)]


def _first(command: AuthorizePayment) -> Change:
    purchase = command.purchase
    if is_accepted(purchase.method, purchase.installments):
        return opened(purchase, Status.AUTHORIZING, unanswered=Unanswered(authorize=command)), []
    reason = "method_not_accepted"
    return opened(purchase, Status.DECLINED, reason=reason), [declined(command, reason)]


def _capture(payment: Payment | None, command: CapturePayment) -> Change:
    if payment is None:
        return opened(command.purchase, Status.ATTENTION, reason="captured_unauthorized"), []
    match payment.status:
        case Status.AUTHORIZED:
            return moved(payment, Status.CAPTURING, Unanswered(capture=command)), []
        case Status.CAPTURING:
            return waiting(payment, capture=newer(payment.unanswered.capture, command)), []
        case Status.CAPTURED:
            return payment, [PaymentCaptured.following(command)]
        case Status.ATTENTION:
            return payment, []
        case _:
            return alarming(payment, f"captured_while_{payment.status.lower()}"), []


def _void(payment: Payment | None, command: VoidPayment) -> Change:
    if payment is None:
        return opened(command.purchase, Status.TOMBSTONE), [PaymentVoided.following(command)]
    match payment.status:
        case Status.AUTHORIZED:
            return moved(payment, Status.VOIDING, Unanswered(void=command)), []
        case Status.AUTHORIZING | Status.VOIDING:
            return waiting(payment, void=newer(payment.unanswered.void, command)), []
        case Status.CAPTURING | Status.CAPTURED:
            return alarming(payment, f"voided_while_{payment.status.lower()}"), []
        case Status.ATTENTION:
            return payment, []
        case _:
            return payment, [PaymentVoided.following(command)]


def learn(payment: Payment, asked: Status, answer: Answer) -> Change:
    """Row and answer to what was asked in status `asked`: a compare-and-set, so copies do nothing."""
    if payment.status is not asked:
        return payment, []
    match asked, answer:
        case _, Unknown():
            return replace(payment, calls=payment.calls + 1), []
        case Status.AUTHORIZING, Authorized():
            return _authorized(payment)
        case Status.AUTHORIZING, Declined(reason):
            return _declined(payment, reason)
        case Status.CAPTURING, Captured():
            return _done(payment, Status.CAPTURED)
        case Status.VOIDING, Voided():
            return _done(payment, Status.VOIDED)
        case _, Refused(reason):
            return alarming(payment, reason), []
        case _:
            return payment, []


def give_up(payment: Payment) -> Payment:
    """The provider has not answered for too long."""
    return alarming(payment, "no_answer")


def _authorized(payment: Payment) -> Change:
    """If the purchase is cancelled meanwhile, the hold is given back before anything is confirmed (P12)."""
    authorize, void = payment.unanswered.authorize, payment.unanswered.void
    assert authorize is not None
    if void is None:
        return moved(payment, Status.AUTHORIZED), [PaymentAuthorized.following(authorize)]
    return moved(payment, Status.VOIDING, Unanswered(void=void)), [declined(authorize, CANCELLED)]


def _declined(payment: Payment, reason: str) -> Change:
    authorize, void = payment.unanswered.authorize, payment.unanswered.void
    assert authorize is not None
    confirmation: list[Reply] = [PaymentVoided.following(void)] if void else []
    return moved(payment, Status.DECLINED, reason=reason), [declined(authorize, reason), *confirmation]


def _done(payment: Payment, status: Status) -> Change:
    capture, void = payment.unanswered.capture, payment.unanswered.void
    said: list[Reply] = [PaymentCaptured.following(capture)] if capture else []
    said += [PaymentVoided.following(void)] if void else []
    return moved(payment, status), said


def opened(purchase: Purchase, status: Status, **rest: Any) -> Payment:
    """The amount is what product computed; a client never names one."""
    return Payment(
        id=purchase.id,
        account_id=purchase.account_id,
        amount=purchase.total,
        currency_code=purchase.currency_code,
        method=purchase.method,
        installments=purchase.installments,
        token=purchase.payment_token,
        status=status,
        **rest,
    )


def moved(
    payment: Payment, status: Status, unanswered: Unanswered = NOTHING, *, reason: str | None = None
) -> Payment:
    return replace(payment, status=status, unanswered=unanswered, reason=reason, calls=0)


def alarming(payment: Payment, reason: str) -> Payment:
    """A human must look; what is unanswered stays so, and its purchase unsettled, until then."""
    return replace(payment, status=Status.ATTENTION, reason=reason)


def waiting(payment: Payment, **unanswered: PaymentCommand) -> Payment:
    return replace(payment, unanswered=replace(payment.unanswered, **unanswered))


def newer(known: C | None, command: C) -> C:
    """The reply goes out under the newest attempt, in whatever order they came."""
    return known if known and known.purchase.attempt > command.purchase.attempt else command


def declined(command: AuthorizePayment, reason: str) -> PaymentDeclined:
    return PaymentDeclined(cause_id=command.id, purchase=command.purchase, reason=reason)
