"""Processes that are killed, and buyers who get through all the same."""

import asyncio
import os
import signal

from deploy.bench.buyers import Buyer, Measured
from deploy.client import Customer
from deploy.embedded.stack import Stack
from tests.support import eventually


async def killed_and_back(stack: Stack, name: str) -> None:
    """The supervisor has begun it anew; whether it serves is another question."""
    pid = stack.pid(name)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: stack.pid(name) not in {0, pid})


async def patient_load(buyers: list[Buyer], products: list[str]) -> None:
    """Buys through the storm with an idempotency key, asking again as a client should."""
    await asyncio.gather(*(patient_buyer(buyer, products) for buyer in buyers))


async def patient_buyer(buyer: Buyer, products: list[str]) -> None:
    for number in range(30):
        basket = dict.fromkeys(products[number : number + 2], 1)
        bought = await buyer.customer.buy_surely(basket)
        await note(buyer.customer, bought["id"], buyer.measured)


async def note(customer: Customer, purchase_id: str, measured: Measured) -> None:
    event = await customer.outcome(purchase_id)
    measured.decided[purchase_id] = (event.type, 0.0)
