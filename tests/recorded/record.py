"""What the services of a commit say, as its own codec writes it, and its shapes: to be read by later ones.

    git worktree add --detach FOLDER COMMIT
    PYTHONPATH=FOLDER .venv/bin/python tests/recorded/record.py tests/recorded/NAME

Five purchases, one of which ends well; an account, a category and a product whose story goes on to their end.
Imports nothing but contracts, codec and outbox, which that commit must have.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from common.contracts import account, mail, order, payment, product, purchase, request
from common.contracts.message import Item, Message, Purchase, PurchaseMessage, subject
from common.messaging.codec import words
from common.messaging.outbox import as_outgoing
from common.messaging.streams import SPEAKERS

LETTERS = "common.contracts.letters"
"""Which there has not always been."""

DAY = date(2026, 1, 31)
SOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SHELF = 10
"""Of the product, before the first purchase."""


def numbered(number: int) -> UUID:
    return UUID(int=0x0199C2F4_7D1A_7C3E_9B52_000000000000 + number)


BUYER, CLOSED, SESSION, CATEGORY, LAMP, OTHER_CATEGORY, OTHER_LAMP = map(numbered, range(1, 8))
BOUGHT, TOO_MANY, NOT_FOR_HIM, DECLINED, PARKED = map(numbered, range(101, 106))


def context(number: UUID, *, account_id: UUID = BUYER, quantity: int = 2, **other: Any) -> Purchase:
    return Purchase(
        id=number,
        attempt=0,
        account_id=account_id,
        items=(Item(product_id=LAMP, quantity=quantity),),
        currency_code="VND",
        method="credit_card",
        installments=3,
        issued_on=DAY,
        deadline_at=SOON,
        **other,
    )


def priced(before: Purchase) -> Purchase:
    [line] = before.items
    item = msgspec.structs.replace(line, name="Desk lamp", brand_name="Acme", unit_price=250_000)
    return msgspec.structs.replace(before, items=(item,), total=250_000 * line.quantity)


def asked(new: Purchase, *steps: tuple[Any, Any]) -> Iterator[PurchaseMessage]:
    """The request, then each command with its reply."""
    yield (last := purchase.PurchaseRequested(purchase=new))
    for command, reply in steps:
        yield (told := command.following(last))
        if issubclass(reply, product.StockReserved):
            told = msgspec.structs.replace(told, purchase=priced(told.purchase))
        yield (last := reply.following(told))


def ended(last: Any, step: str, refusal: Any, reason: str) -> Iterator[PurchaseMessage]:
    """A step is refused; everything is undone."""
    yield (no := refusal(cause_id=last.id, purchase=last.purchase, reason=reason))
    yield (fail := purchase.FailPurchase(cause_id=no.id, purchase=no.purchase, step=step, reason=reason))
    yield (
        over := purchase.PurchaseCancelled(
            cause_id=fail.id, purchase=fail.purchase, status="FAILED", reason=reason
        )
    )
    for command, reply in (
        (payment.VoidPayment, payment.PaymentVoided),
        (order.CancelOrder, order.OrderCancelled),
        (product.ReleaseStock, product.StockReleased),
    ):
        yield (undo := command.following(over))
        yield reply.following(undo)
    yield mail.MailAccepted.following(over)


RESERVED = (product.ReserveStock, product.StockReserved)
ORDERED = (order.CreateOrder, order.OrderCreated)
HELD = (payment.AuthorizePayment, payment.PaymentAuthorized)


def bought() -> Iterator[Message]:
    *before, last = asked(context(BOUGHT), RESERVED, ORDERED, HELD)
    yield from [*before, last]
    yield (done := purchase.CompletePurchase.following(last))
    yield (over := purchase.PurchaseCompleted.following(done))
    for command, reply in (
        (order.ApproveOrder, order.OrderApproved),
        (payment.CapturePayment, payment.PaymentCaptured),
    ):
        yield (close := command.following(over))
        yield reply.following(close)
    yield mail.MailAccepted.following(over)


REFUSED: tuple[Any, ...] = (
    (
        context(TOO_MANY, quantity=1000),
        (),
        product.ReserveStock,
        *("reserve", product.StockRefused, "insufficient_stock"),
    ),
    (
        context(NOT_FOR_HIM, account_id=CLOSED),
        (RESERVED,),
        order.CreateOrder,
        *("order", order.OrderRefused, "account_inactive"),
    ),
    (
        context(DECLINED, payment_token="tok_decline"),
        (RESERVED, ORDERED),
        payment.AuthorizePayment,
        *("payment", payment.PaymentDeclined, "card_declined"),
    ),
)


def refused() -> Iterator[Message]:
    """By each of the three who may."""
    for new, steps, command, step, refusal, reason in REFUSED:
        *before, last = asked(new, *steps)
        yield from [*before, last]
        yield (told := command.following(last))
        yield from ended(told, step, refusal, reason)


def state(entity_id: UUID, version: int) -> dict[str, Any]:
    return {"entity_id": entity_id, "version": version, "issued_on": DAY}


def of_account() -> Iterator[Message]:
    who: dict[str, Any] = {"email": "ann@example.com", "first_name": "Ann"}
    all_of_it = who | {
        "last_name": "Lee",
        "address": "1 Main Street",
        "phone_number": "+84901234567",
        "role": "customer",
        "verified": False,
        "active": True,
    }
    code: dict[str, Any] = who | {"code": "04711815", "expires_at": SOON}
    yield account.AccountRegistered(**state(BUYER, 1), **all_of_it)
    yield account.VerificationRequested(**state(BUYER, 1), **code)
    yield account.AccountChanged(**state(BUYER, 2), **all_of_it | {"verified": True})
    yield account.PasswordResetRequested(**state(BUYER, 1), **code)
    yield account.PasswordChanged(**state(BUYER, 3), **who)
    yield account.EmailChanged(**state(BUYER, 4), **who)
    yield account.SessionEnded(**state(SESSION, 1), account_id=BUYER)
    closed: dict[str, Any] = {"email": "carl@example.com", "active": False, "least_version": 2}
    yield account.AccountRegistered(**state(CLOSED, 2), **all_of_it | closed)


def of_catalogue() -> Iterator[Message]:
    shelf: dict[str, Any] = {"owner_id": BUYER, "name": "Lamps", "description": "Light"}
    lamp: dict[str, Any] = {
        "seller_id": BUYER,
        "category_id": CATEGORY,
        "name": "Desk lamp",
        "brand_name": "Acme",
        "price": 250_000,
        "currency_code": "VND",
    }
    for category, thing in ((CATEGORY, LAMP), (OTHER_CATEGORY, OTHER_LAMP)):
        yield product.CategoryCreated(**state(category, 1), **shelf)
        yield product.CategoryChanged(**state(category, 2), **shelf)
        yield product.ProductCreated(**state(thing, 1), **lamp | {"category_id": category})
        yield product.ProductChanged(**state(thing, 2), **lamp | {"category_id": category})
        yield product.StockChanged(**state(thing, 1), available=SHELF)
    yield product.ProductDeleted(**state(OTHER_LAMP, 3))
    yield product.CategoryDeleted(**state(OTHER_CATEGORY, 3))


def of_letters() -> Iterator[Message]:
    """A purchase that the orchestrator could not read at first."""
    unread = purchase.PurchaseRequested(purchase=context(PARKED))
    payload = msgspec.json.encode(unread)
    yield purchase.ParkMessage(
        cause_id=unread.id,
        digest="0" * 64,
        durable="orchestrator",
        parked_subject=subject(type(unread)),
        payload=payload,
        deliveries=5,
        error="ValueError('no')",
        issued_on=DAY,
    )
    if hasattr(purchase, "LetterRetried"):
        yield purchase.LetterRetried(
            letter_id=1, attempt=1, retried_subject=subject(type(unread)), payload=payload, issued_on=DAY
        )


def told() -> Iterator[Message]:
    for story in (of_account, of_catalogue, bought, refused, of_letters):
        yield from story()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "messages.jsonl").open("w") as file:
        for message in told():
            sent = as_outgoing(message)
            line = {"subject": sent.subject, "headers": sent.headers(), "payload": sent.payload.decode()}
            file.write(json.dumps(line) + "\n")
    (folder / "shapes.json").write_text(json.dumps(shapes(), indent=1, sort_keys=True) + "\n")


def shapes() -> dict[str, Any]:
    """Of every message, every question and every answer."""
    found: dict[str, Any] = {subject(kind): kind for kind in words(*SPEAKERS)}
    for kind in questions():
        found |= {f"{request.subject(kind)} ?": kind, f"{request.subject(kind)} !": request.answer(kind)}
    schemas, components = msgspec.json.schema_components(found.values(), ref_template="#/$defs/{name}")
    return {"shapes": dict(zip(found, schemas, strict=True)), "$defs": components}


def questions() -> list[Any]:
    speakers = [*SPEAKERS, *([import_module(LETTERS)] if find_spec(LETTERS) else ())]
    things = [thing for speaker in speakers for thing in vars(speaker).values()]
    kinds = [each for each in things if isinstance(each, type) and issubclass(each, request.Request)]
    return [each for each in dict.fromkeys(kinds) if each is not request.Request]


if __name__ == "__main__":
    main()
