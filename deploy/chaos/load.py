"""Customers that buy, some of them cancel, and all follow their purchases to the end."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from deploy.chaos.customers import goods
from deploy.client import AWAY, Customer, Shop, Unexpected
from deploy.events import Event

TOKENS = ("tok_ok", "tok_ok", "tok_ok", "tok_decline", "tok_error_after", "tok_slow")
CANCELLED = 0.15
"""So many purchases are cancelled by their customers at once: of a slow one, a hold must be given back."""


@dataclass
class Load:
    """Customers that buy one thing after the other and follow each to its end."""

    customers: list[Customer]
    products: list[str]
    wrong: list[str] = field(default_factory=list)
    bought: int = 0
    slowest: float = 0.0

    async def run(self, enough: int, deaths_left: Callable[[], int]) -> None:
        """At least `enough` purchases, and on until nobody has to die any more."""

        async def one(customer: Customer, draw: random.Random) -> None:
            while self.bought < enough or deaths_left() > 0:
                self.bought += 1
                await customer.stay_signed_in()
                await self.buy(customer, draw)

        await asyncio.gather(*(one(each, random.Random(n)) for n, each in enumerate(self.customers)))  # noqa: S311  # reproducible

    async def buy(self, customer: Customer, draw: random.Random) -> None:
        basket = dict.fromkeys(draw.sample(self.products, 2), 1)
        began = time.monotonic()
        bought = await customer.buy_surely(basket, token=draw.choice(TOKENS))
        if draw.random() < CANCELLED:
            await cancel(customer, bought["id"])
        seen: list[Event] = [event async for event in customer.watch(bought["id"])]
        self.slowest = max(self.slowest, time.monotonic() - began)
        if [event.id for event in seen] != list(range(1, len(seen) + 1)):
            self.wrong.append(f"I8: {bought['id']}: {[event.id for event in seen]}")


async def cancel(customer: Customer, purchase_id: str) -> None:
    """It may be decided already, and the service may be dead: both are fine."""
    with suppress(Unexpected, *AWAY):
        await customer.call("POST", f"/purchases/{purchase_id}/cancel")


async def prepare(shop: Shop, customers: int) -> Load:
    made = [await shop.register() for _ in range(customers)]
    for each in made:
        await each.verify()
    return Load(made, await goods(made[0], 20, 100_000))
