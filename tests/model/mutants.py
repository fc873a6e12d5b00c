"""The protocol with one rule taken out at a time: small patches over the project's own functions.

Each function is one of the project with one rule missing; `catalogue` names them and says what catches them.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

from msgspec.structs import replace as changed

from common.contracts.message import Command, Message, PurchaseMessage, Refusal, Reply
from common.contracts.order import CreateOrder, OrderRefused
from common.contracts.payment import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentVoided,
    VoidPayment,
)
from common.contracts.product import ReleaseStock, ReserveStock, StockRefused
from common.contracts.purchase import CompletePurchase, PurchaseCancelled
from orchestrator.purchase import PURCHASE
from orchestrator.saga import Saga
from order import model as orders
from order.model import Account, Order
from payment.model import rules as payments
from payment.model.answers import Authorized, Declined, Unknown
from payment.model.row import Payment, Status
from payment.model.rules import Change, PaymentCommand, moved
from product.model import reservation as stock
from product.model.reservation import Reaction, Reservation, Shelf, StockCommand
from purchase import model as purchases
from purchase.model import Outcome, Row
from tests.model.provider import Asked
from tests.model.publishing import Advance, advances
from tests.model.services import REAL, Effect, Rows, Rules
from tests.model.words import Word


def orchestrated(decide: Callable[[Message], list[Message]]) -> Rules:
    """The real worker, with another saga in it."""

    class Another(Saga):
        def decide(self, event: Message) -> list[Message]:
            return decide(event)

    saga = Another(
        PURCHASE.started, PURCHASE.steps, PURCHASE.complete, PURCHASE.completed, PURCHASE.cancelled
    )
    return replace(REAL, advance=lambda event: advances(event, saga))


# P4: an undo that comes first is confirmed, and forgotten.


def product_without_tombstone(reservation: Reservation, command: StockCommand, shelf: Shelf) -> Reaction:
    reaction = stock.react(reservation, command, shelf)
    is_tombstone = reaction.reservation.status is stock.Status.TOMBSTONE
    return reaction._replace(reservation=reservation) if is_tombstone else reaction


def order_without_tombstone(
    order: Order | None, command: Command, account: Account | None
) -> tuple[Order | None, Reply]:
    after, reply = orders.obey(order, command, account)
    return (order if after.status is orders.Status.TOMBSTONE else after), reply


def payment_without_tombstone(
    payment: Payment | None, command: PaymentCommand
) -> tuple[Payment | None, list[Reply]]:
    after, replies = payments.hear(payment, command)
    return (payment if after.status is Status.TOMBSTONE else after), replies


# P1: completion does not look whether anything is decided.


def overwriting(row: Row, message: PurchaseMessage) -> Outcome:
    if isinstance(message, CompletePurchase):
        row = changed(row, status=purchases.Status.PENDING, reason=None)
    return purchases.react(row, message)


# P3: only what is known to be done is undone; without a total, nothing is.


def undoing_the_known(event: Message) -> list[Message]:
    if isinstance(event, PurchaseCancelled) and not event.purchase.total:
        return []
    return PURCHASE.decide(event)


# P5: the row is not asked whether the stock is reserved already.


def reserving_again(reservation: Reservation, command: StockCommand, shelf: Shelf) -> Reaction:
    before = Reservation() if isinstance(command, ReserveStock) else reservation
    return stock.react(before, command, shelf)


# P5: a command that was done already gets no reply.


def silent_when_done(before: Rows, word: Word, effect: Effect) -> Effect:
    is_repeated = isinstance(word, ReserveStock | CreateOrder | AuthorizePayment) and effect.rows == before
    if is_repeated and not any(isinstance(reply, Refusal) for reply in effect.said):
        return effect._replace(said=())
    return effect


# P7: the event is acknowledged whether its commands are stored or not.


def acknowledging_first(event: PurchaseMessage) -> list[Advance]:
    return [advance._replace(is_acknowledged=True) for advance in advances(event)]


# P8: an event that comes again leads to commands under other ids.


def drawing_ids(event: PurchaseMessage) -> list[Advance]:
    whole, *parts = advances(event)
    drawn = [changed(word, purchase=changed(word.purchase, attempt=100)) for word in whole.stored]
    return [whole, *parts, Advance(tuple(drawn), is_all=False, is_acknowledged=False)]


# P10: a re-drive repeats the ids of the attempt before; or there is none; or no deadline.


def redriving_the_same(row: Row, today: date) -> Outcome:
    return purchases.redrive(changed(row, attempt=row.attempt - 1), today)


def nothing_is_driven(row: Row, today: date) -> Outcome:
    return Outcome(row)


def nothing_ends(row: Row) -> Outcome:
    return Outcome(row)


# P11: every question to hold money has a key of its own.


class KeyDrawn(Asked):
    async def authorize(self, payment: Payment) -> Authorized | Declined | Unknown:
        drawn = UUID(int=payment.id.int + 1000 * len(self.book.entries))
        return await super().authorize(changed(payment, id=drawn))


# P12: an undo is confirmed while the provider is being asked; or before it has given the money back.


def confirming_in_flight(payment: Payment | None, command: PaymentCommand) -> Change:
    if payment and payment.status is Status.AUTHORIZING and isinstance(command, VoidPayment):
        return payment, [PaymentVoided.following(command)]
    return payments.hear(payment, command)


def voided_at_once(payment: Payment | None, command: PaymentCommand) -> Change:
    if payment and payment.status is Status.AUTHORIZED and isinstance(command, VoidPayment):
        return moved(payment, Status.VOIDED), [PaymentVoided.following(command)]
    return payments.hear(payment, command)


# Money is taken before the arbiter has decided.


def capturing_early(event: Message) -> list[Message]:
    said = PURCHASE.decide(event)
    if isinstance(event, PaymentAuthorized):
        return [*said, CapturePayment.following(event)]
    return [word for word in said if not isinstance(word, CapturePayment)]


# P2 and P5: a second copy of a command is answered with a refusal; and refusals undo by themselves.


def product_refusing_copies(reservation: Reservation, command: StockCommand, shelf: Shelf) -> Reaction:
    reaction = stock.react(reservation, command, shelf)
    if isinstance(command, ReleaseStock) or reservation.status is stock.Status.NEW:
        return reaction
    refusal = StockRefused(cause_id=command.id, purchase=command.purchase, reason="duplicate")
    return reaction._replace(reply=refusal)


def order_refusing_copies(
    order: Order | None, command: Command, account: Account | None
) -> tuple[Order, Reply]:
    after, reply = orders.obey(order, command, account)
    if order and isinstance(command, CreateOrder):
        reply = OrderRefused(cause_id=command.id, purchase=command.purchase, reason="duplicate")
    return after, reply


def undoing_by_itself(event: Message) -> list[Message]:
    said = PURCHASE.decide(event)
    if isinstance(event, Refusal):
        undo = PurchaseCancelled(purchase=event.purchase, status="FAILED", reason=event.reason)
        return said + PURCHASE.decide(undo)
    return said


COPIES = frozenset({ReserveStock, CreateOrder})
COPIES_REFUSED = replace(REAL, product=product_refusing_copies, order=order_refusing_copies, forgotten=COPIES)
