"""What a former release has said, message by message, into the handlers of today: they answer as it did."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import media.handlers
from common.contracts.message import Purchase, PurchaseMessage, subject
from common.contracts.payment import AuthorizePayment
from common.contracts.purchase import PurchaseRequested
from common.messaging.codec import Codec, words
from common.messaging.outbox import as_outgoing
from common.messaging.streams import CONSUMERS, SPEAKERS
from common.postgres.database import Database
from deploy.audit.words import matches
from orchestrator import worker
from orchestrator.purchase import PURCHASE
from payment.calls import Answered
from payment.model.answers import Declined
from payment.model.row import Status
from tests.e2e.lockstep import Heard, Lockstep, Service, hear, lockstep, service
from tests.recorded.record import (
    BOUGHT,
    BUYER,
    CATEGORY,
    DECLINED,
    LAMP,
    NOT_FOR_HIM,
    SHELF,
    TOO_MANY,
)
from tests.recordings import Recorded, messages, recordings

CATEGORIES = "INSERT INTO categories (id, owner_id, name, description) VALUES ($1, $2, 'Lamps', 'Light')"
PRODUCTS = """
INSERT INTO products (id, seller_id, category_id, name, description, brand_name, price, currency_code)
VALUES ($1, $2, $3, 'Desk lamp', 'Bends', 'Acme', 250000, 'VND')
"""
STOCK = "INSERT INTO stock (product_id, received, available) VALUES ($1, $2, $2)"
PURCHASES = """
INSERT INTO purchases (id, account_id, issued_on, items, currency_code, method, installments, payment_token,
                       request_hash, deadline_at)
VALUES ($1, $2, $3, '[]', $4, $5, $6, $7, '', now() + interval '1 hour')
"""
ALL = Codec(words(*SPEAKERS))


@pytest.fixture
async def shop(database: Callable[[str], str]) -> AsyncIterator[Lockstep]:
    """With a service more: what is said of products, media hears too."""
    async with AsyncExitStack() as opened:
        made = await opened.enter_async_context(lockstep(database))
        pictures = await opened.enter_async_context(service("media", database("media"), made.said))
        pictures.to_hear(media.handlers.HEARD, media.handlers.handler(lambda: None))
        made.services["media"] = pictures
        yield made


async def stocked(product: Service) -> None:
    async with product.db.begin() as tx:
        await tx.execute(CATEGORIES, CATEGORY, BUYER)
        await tx.execute(PRODUCTS, LAMP, BUYER, CATEGORY)
        await tx.execute(STOCK, LAMP, SHELF)


async def asked_for(db: Database, purchases: Sequence[Purchase]) -> None:
    """As if each had been accepted over HTTP."""
    async with db.begin() as tx:
        for each in purchases:
            terms = (each.currency_code, each.method, each.installments, each.payment_token)
            await tx.execute(PURCHASES, each.id, each.account_id, each.issued_on, *terms)


async def say(shop: Lockstep, message: Recorded) -> set[tuple[str, str]]:
    """To everybody who hears it. Returns what is said about it: subjects and ids."""
    shop.said.clear()
    heard = [Heard(message.subject, message.payload)]
    for each in shop.services.values():
        await hear(each, heard)
    if message.subject == subject(AuthorizePayment) and str(DECLINED).encode() in message.payload:
        answer = Answered((DECLINED, Status.AUTHORIZING), Declined("card_declined"))
        await shop.calls.conclude([answer])
    else:
        await shop.answer(heard)
    [saga] = [each for each in CONSUMERS if each.durable == "orchestrator"]
    if any(matches(message.subject, each) for each in saga.filters):
        shop.said += [as_outgoing(each) for each in PURCHASE.decide(worker.heard(message))]
    return {(each.subject, each.message_id) for each in shop.said}


@pytest.mark.parametrize("recording", recordings(), ids=lambda each: each.name)
async def test_the_shop_of_today_answers_what_was_said_before_as_it_was_answered(
    shop: Lockstep, recording: Path
) -> None:
    recorded = messages(recording)
    known = [ALL.heard(each.subject, each.payload) for each in recorded]
    purchases = {each.purchase.id: each.purchase for each in known if isinstance(each, PurchaseRequested)}
    await stocked(shop.services["product"])
    await asked_for(shop.services["purchase"].db, list(purchases.values()))
    said: set[tuple[str, str]] = set()
    for each in recorded:
        said |= await say(shop, each)
    consequences = {
        (subject(type(each)), each.id)
        for each in known
        if isinstance(each, PurchaseMessage) and not isinstance(each, PurchaseRequested)
    }
    assert consequences <= said
    assert len(consequences) > 50
    assert await ends(shop.services["purchase"].db) == {
        (BOUGHT, "COMPLETED", None, True),
        (TOO_MANY, "FAILED", "insufficient_stock", True),
        (NOT_FOR_HIM, "FAILED", "account_inactive", True),
        (DECLINED, "FAILED", "card_declined", True),
    }


async def ends(db: Database) -> set[tuple[object, ...]]:
    async with db.read() as tx:
        rows = await tx.fetch("SELECT id, status, reason, settled_at IS NOT NULL FROM purchases")
    return {tuple(row) for row in rows}
