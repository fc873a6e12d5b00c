"""What a purchase costs, counted and not timed: statements, commits and messages, alone and among a hundred.

A statement more per batch changes these numbers; one more per message breaks the tests with a hundred.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import pytest

from common.contracts.account import AccountRegistered
from common.contracts.message import Item, subject
from common.contracts.product import StockChanged
from common.ids import new_id
from common.messaging.outbox import as_outgoing
from common.postgres.database import Database
from product.model.catalogue import NewCategory, NewProduct
from product.repository import categories, products
from purchase.repository import NewPurchase
from tests.e2e.lockstep import Heard, Lockstep, hear, lockstep

LINES = 2
MANY = 100
"""Fewer than a consumer takes at once."""

STATEMENTS = {"product": 8, "order": 12, "payment": 20, "purchase": 35, "mail": 6}
"""All that a service is asked by purchases that make every step together, with BEGIN and COMMIT. The relay's
mark comes to it, once per flight, and what the sender of mails asks, once per mail."""

COMMITS = {"product": 1, "order": 2, "payment": 4, "purchase": 6, "mail": 1}
WORDS = 14
"""Of one purchase, with those of the orchestrator, but for what is said about the stock."""


class Counted(NamedTuple):
    statements: dict[str, int]
    commits: dict[str, int]
    messages: Counter[str]


@pytest.fixture
async def shop(database: Callable[[str], str]) -> AsyncIterator[Lockstep]:
    async with lockstep(database) as opened:
        yield opened


async def counted(shop: Lockstep, purchases: int) -> Counted:
    """Not the first: what a new connection asks about types, it asks once."""
    wanted = await stocked(shop, LINES)
    await buy(shop, wanted, 1)
    shop.forget()
    messages = await buy(shop, wanted, purchases)
    assert await settled(shop) == 1 + purchases
    services = shop.services.values()
    return Counted(
        {each.name: len(each.statements) for each in services},
        {each.name: each.commits for each in services},
        messages,
    )


async def buy(shop: Lockstep, wanted: Sequence[UUID], purchases: int) -> Counter[str]:
    """From the request to the last confirmation; every purchase is another customer's."""
    accounts = [new_id() for _ in range(purchases)]
    for service in shop.services.values():
        known = [as_outgoing(registered(each)) for each in accounts]
        await hear(service, [Heard(each.subject, each.payload) for each in known])
    shop.forget()
    await shop.accept([new_purchase(each, wanted) for each in accounts])
    return await shop.run()


async def stocked(shop: Lockstep, lines: int) -> list[UUID]:
    """Products that everybody wants."""
    seller = new_id()
    async with shop.services["product"].db.begin() as tx:
        category = await categories.add(tx, seller, NewCategory(name="Lamps"))
        new = [
            NewProduct(
                category_id=category.id,
                name=f"Lamp {number}",
                brand_name="Lux",
                price=100,
                inventory=10_000,
                currency_code="VND",
            )
            for number in range(lines)
        ]
        return [each.id for each in await products.add(tx, seller, new)]


def registered(account_id: UUID) -> AccountRegistered:
    return AccountRegistered(
        entity_id=account_id,
        version=1,
        issued_on=datetime.now(UTC).date(),
        email="an@example.org",
        first_name="An",
        last_name="Lê",
        address="1 Quay",
        phone_number="+84123456",
        role="customer",
        verified=True,
        active=True,
    )


def new_purchase(account_id: UUID, wanted: Sequence[UUID]) -> NewPurchase:
    return NewPurchase(
        id=new_id(),
        account_id=account_id,
        issued_on=datetime.now(UTC).date(),
        items=tuple(Item(product_id=each, quantity=1) for each in wanted),
        currency_code="VND",
        method="cash",
        installments=1,
        payment_token=None,
        traceparent=None,
        idempotency_key=str(new_id()),
        request_hash=b"-",
    )


async def settled(shop: Lockstep) -> int:
    """On a connection of its own: nobody's statements."""
    async with (
        Database.connect(shop.services["purchase"].db.url, size=1, name="tests") as db,
        db.read() as tx,
    ):
        count: int = await tx.value("SELECT count(*) FROM purchases WHERE settled_at IS NOT NULL")
        return count


@pytest.mark.parametrize("purchases", [1, MANY])
async def test_a_hundred_purchases_cost_as_many_statements_and_commits_as_one(
    shop: Lockstep, purchases: int
) -> None:
    found = await counted(shop, purchases)
    assert found.statements == STATEMENTS
    assert found.commits == COMMITS


@pytest.mark.parametrize("purchases", [1, MANY])
async def test_every_purchase_has_its_words_and_a_product_one_of_a_batch(
    shop: Lockstep, purchases: int
) -> None:
    found = await counted(shop, purchases)
    stock = found.messages.pop(subject(StockChanged))
    assert stock == LINES
    assert set(found.messages.values()) == {purchases}
    assert len(found.messages) == WORDS
