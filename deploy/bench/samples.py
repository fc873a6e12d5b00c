"""Purchases that really happen, one of each end: a history is made of their rows (`deploy/bench/past.py`)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from deploy.bench.exactness import closed
from deploy.bench.load import gather_some
from deploy.client import Customer, Shop, Unexpected
from deploy.embedded.stack import Stack

PRICE = 10_000
PRODUCTS = 100
DECLINED = "tok_decline"
INVENTORY = 100_000_000
"""Of each product of the history: enough for any that can be asked for."""


@dataclass(frozen=True)
class Samples:
    """`bought` are the two products of each sample; those of the history stand in for them."""

    customer: UUID
    purchases: tuple[UUID, ...]
    """Completed, declined, out of stock."""
    bought: tuple[UUID, UUID]
    products: tuple[UUID, ...]


async def made(stack: Stack) -> Samples:
    """Returns when all is settled, said and mailed. Raises Unexpected."""
    async with Shop.at(stack.url("edge"), stack.url("mail_api")) as shop:

        async def signed_in() -> Customer:
            customer = await shop.register()
            await customer.verify()
            return customer

        seller, customer = await gather_some(2, [signed_in] * 2)
        category = await seller.call("POST", "/categories", expect=201, body={"name": "History"})

        async def product(number: int, inventory: int) -> UUID:
            name = f"Old ware {number}"
            added = await seller.create_product(category["id"], name, price=PRICE, inventory=inventory)
            return UUID(added["id"])

        first, second, rare, *products = [
            await product(number, most) for number, most in enumerate((9, 9, 1, *[INVENTORY] * PRODUCTS))
        ]
        purchases = [
            await bought(customer, {first: 1, second: 1}),
            await bought(customer, {first: 1, second: 1}, token=DECLINED),
            await bought(customer, {rare: 2}),
        ]
    if await closed(stack) is None:
        raise Unexpected("the samples of the history do not settle")
    account = UUID(customer.tokens["account"]["id"])
    return Samples(account, tuple(purchases), (first, second), tuple(products))


async def bought(customer: Customer, quantities: Mapping[UUID, int], **payment: object) -> UUID:
    """Decided."""
    asked = {str(product): quantity for product, quantity in quantities.items()}
    purchase = await customer.buy(asked, key=secrets.token_urlsafe(16), **payment)
    await customer.outcome(purchase["id"])
    return UUID(purchase["id"])
