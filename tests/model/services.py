"""Every service as row and message -> row and replies: the project's own functions in one shape.

`Rules` names them, so that a mutant is the same rules with one of them wrapped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, cast

from common.contracts.mail import MailAccepted
from common.contracts.message import Command, Message, PurchaseMessage, Reply
from common.contracts.purchase import PurchaseCancelled, PurchaseCompleted
from mail.model import Addressee, notice
from order import model as orders
from order.model import Account, Order
from payment.model import rules as payments
from payment.model.answers import Answer, Unknown
from payment.model.row import Payment, Status
from payment.model.rules import Change, PaymentCommand
from product.model import reservation as stock
from product.model.reservation import Reservation, Shelf, StockCommand
from purchase import model as purchases
from purchase.model import Outcome, Row
from tests.model.books import Till
from tests.model.explore import Violation
from tests.model.invariants import check_log
from tests.model.provider import Asked, answers
from tests.model.publishing import Advance, advances
from tests.model.words import CLOSED, OPEN, PRODUCT, LateAnswer, Word

Rows = tuple[Any, ...]


class Effect(NamedTuple):
    """One way in which a local transaction can end: the rows that it touched, and its outbox."""

    rows: Rows
    said: Sequence[Word] = ()
    is_fault: bool = False
    note: str = ""


@dataclass(frozen=True)
class Rules:
    """What the project decides."""

    advance: Callable[[PurchaseMessage], Sequence[Advance]] = advances
    arbiter: Callable[[Row, PurchaseMessage], Outcome] = purchases.react
    time_out: Callable[[Row], Outcome] = purchases.time_out
    cancel: Callable[[Row], Outcome] = purchases.cancel
    redrive: Callable[[Row, date], Outcome] = purchases.redrive
    product: Callable[[Reservation, StockCommand, Shelf], stock.Reaction] = stock.react
    order: Callable[[Order | None, Command, Account | None], tuple[Order | None, Reply]] = orders.obey
    hear: Callable[[Payment | None, PaymentCommand], tuple[Payment | None, list[Reply]]] = payments.hear
    learn: Callable[[Payment, Status, Answer], Change] = payments.learn
    provider: type[Asked] = Asked
    forgotten: frozenset[type[Message]] = field(default=frozenset())
    """The words that no inbox recognises when they come again."""
    leaving: Callable[[Rows, Word, Effect], Effect] = lambda _rows, _word, effect: effect
    """What becomes of an effect on its way out of a service."""


REAL = Rules()


def purchase(rules: Rules, rows: Rows, message: PurchaseMessage) -> list[Effect]:
    [row] = rows
    return [decided(row, rules.arbiter(row, message))]


def decided(before: Row, outcome: Outcome) -> Effect:
    said = cast("Sequence[Word]", outcome.said)  # the arbiter says nothing but words of the saga
    return Effect((check_log(before, outcome),), said)


def product(rules: Rules, rows: Rows, command: StockCommand) -> list[Effect]:
    reservation, ware = rows
    reservation, shelf, reply = rules.product(reservation, command, {PRODUCT: ware})
    return [Effect((reservation, shelf[PRODUCT]), (reply,))]


def order(rules: Rules, rows: Rows, command: Command, *, may_be_closed: bool) -> list[Effect]:
    """The account may have been closed meanwhile."""
    [row] = rows
    accounts = (OPEN, CLOSED) if may_be_closed and row is None else (OPEN,)
    effects = []
    for account in accounts:
        try:
            after, reply = rules.order(row, command, account)
        except orders.Contradiction as contradiction:
            raise Violation("a contradiction in order") from contradiction
        effects.append(Effect((after,), (reply,)))
    return effects


def payment(rules: Rules, rows: Rows, word: PaymentCommand | LateAnswer) -> list[Effect]:
    [till] = rows
    change = (
        rules.learn(till.payment, word.asked, word.answer)
        if isinstance(word, LateAnswer)
        else rules.hear(till.payment, word)
    )
    after, replies = change
    return [Effect((Till(after, till.entries),), replies)]


def asked(rules: Rules, till: Till, *, may_be_late: bool) -> list[Effect]:
    """The provider answers; or its answer is lost; or it is late, and payment asks again."""
    assert till.payment is not None
    now, asked_in = till.payment, till.payment.status
    effects = []
    for answer, entries in answers(till, rules.provider):
        after, replies = rules.learn(now, asked_in, answer)
        note = type(answer).__name__.lower()
        effects.append(Effect((Till(after, entries),), replies, note=note))
        if entries != till.entries:
            effects.append(Effect((Till(now, entries),), is_fault=True, note=f"{note}, then a crash"))
            unheard, replies = rules.learn(now, asked_in, Unknown("timed out"))
            effects.append(Effect((Till(unheard, entries),), replies, is_fault=True, note=f"{note}, unheard"))
        if may_be_late:
            late = LateAnswer(now.id, asked_in, answer)
            effects.append(Effect((Till(now, entries),), (late,), is_fault=True, note=f"{note}, late"))
    return effects


def given_up(till: Till) -> Effect:
    assert till.payment is not None
    return Effect((Till(payments.give_up(till.payment), till.entries),))


def mail(rules: Rules, rows: Rows, decision: PurchaseCompleted | PurchaseCancelled) -> list[Effect]:
    """One logical mail per purchase and kind, as the table's key has it (P15)."""
    [mails] = rows
    known = {each.key: each for each in mails}
    new = notice(decision, Addressee("ann@example.org", "Ann"))
    known.setdefault(new.key, new)
    return [Effect((tuple(known.values()),), (MailAccepted.following(decision),))]
