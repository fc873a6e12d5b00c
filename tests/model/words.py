"""What the checked world starts from, and who hears which word."""

from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from functools import cache
from uuid import UUID

import msgspec

from common.contracts.message import Item, Message, PurchaseMessage, Reply, subject
from common.messaging.streams import CONSUMERS
from order.model import Account
from payment.model.answers import Answer
from payment.model.row import Status
from product.model.reservation import Ware
from purchase import model

PRODUCT = UUID(int=1)
CUSTOMER = UUID(int=2)
AT = datetime(2026, 1, 1, tzinfo=UTC)
TODAY = date(2026, 1, 1)
PRICE = 500

OPEN = Account(active=True, address="1 Elm Street", phone_number="+15550001")
CLOSED = Account(active=False, address="", phone_number="")


class LateAnswer(msgspec.Struct, frozen=True):
    """The provider has answered, and payment has not written it down yet."""

    payment_id: UUID
    asked: Status
    answer: Answer

    @property
    def id(self) -> str:
        return f"answer:{self.asked}:{type(self.answer).__name__}:{self.payment_id}"


Word = PurchaseMessage | LateAnswer


def ware(units: int) -> Ware:
    return Ware(
        name="Lamp", brand_name="Lux", price=PRICE, currency_code="VND", is_sold=True, available=units
    )


def requested(number: int) -> model.Row:
    """A purchase that has just been accepted; all are the same customer's, of one unit of one product."""
    return model.Row(
        id=UUID(int=100 + number),
        account_id=CUSTOMER,
        status=model.Status.PENDING,
        reason=None,
        rank=0,
        attempt=0,
        issued_on=TODAY,
        deadline_at=AT,
        acknowledged=0,
        items=(Item(product_id=PRODUCT, quantity=1),),
        total=0,
        currency_code="VND",
        method="credit_card",
        installments=1,
        payment_token=None,
        traceparent=None,
        last_seq=1,
    )


@cache
def hearers(kind: type[Message]) -> tuple[str, ...]:
    """The durable consumers whose filters, the real ones, match the subject."""
    return tuple(
        each.durable
        for each in CONSUMERS
        if any(fnmatchcase(subject(kind), pattern.replace(">", "*")) for pattern in each.filters)
    )


def canonical(word: Word) -> Word:
    """Only a reply's cause has a meaning, its id; every other one is for people who read a trace."""
    if isinstance(word, LateAnswer | Reply):
        return word
    return msgspec.structs.replace(word, cause_id=None)


def purchase_of(word: Word) -> UUID:
    return word.payment_id if isinstance(word, LateAnswer) else word.purchase.id


def told(word: Word) -> str:
    attempt = "" if isinstance(word, LateAnswer) else f" ({word.purchase.attempt})"
    name = type(word.answer if isinstance(word, LateAnswer) else word).__name__
    return f"{name} of {purchase_of(word).int - 100}{attempt}"
