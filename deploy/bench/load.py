"""The load: who buys what, and when."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

from deploy.bench.buyers import Buyer, Measured
from deploy.client import Customer, Shop

PRICE = 10_000
PRODUCTS = 100
INVENTORY = 1_000_000

Baskets = Sequence[Sequence[str]]


async def prepare(shop: Shop, buyers: int, measured: Measured) -> tuple[list[Buyer], list[str]]:
    """A seller with its products, and the buyers, each with a confirmed mailbox."""

    async def customer() -> Customer:
        made = await shop.register()
        await made.verify()
        return made

    seller, *others = await gather_some(20, [customer] * (buyers + 1))
    category = await seller.call(
        "POST", "/categories", expect=201, body={"name": f"Bench {time.time_ns()}", "description": "-"}
    )
    products = [
        (await seller.create_product(category["id"], f"P{n}", price=PRICE, inventory=INVENTORY))["id"]
        for n in range(PRODUCTS)
    ]
    return [Buyer(each, measured) for each in others], products


async def gather_some(at_once: int, calls: Sequence[Any]) -> list[Any]:
    """Like gather, with a bound on how many run at the same time."""
    gate = asyncio.Semaphore(at_once)

    async def one(call: Any) -> Any:
        async with gate:
            return await call()

    return await asyncio.gather(*(one(call) for call in calls))


def baskets(products: Sequence[str], count: int, *, hot: bool = False) -> Baskets:
    """Two lines each, the same ones again at the next run; hot: everybody wants the same two."""
    draw = random.Random(1)  # noqa: S311  # reproducible
    return [products[:2] if hot else draw.sample(products, 2) for _ in range(count)]


async def load(buyers: Sequence[Buyer], wanted: Baskets, rate: float | None = None) -> float:
    """Buyers are listening. Returns the seconds to the last decision.

    Without a rate every buyer posts as fast as it is answered. With one, purchases have their times, and are
    posted then whatever has become of those before: no coordinated omission.
    """
    start = time.perf_counter()
    if rate is None:
        async with asyncio.TaskGroup() as tasks:
            for number, buyer in enumerate(buyers):
                tasks.create_task(in_turn(buyer, wanted[number :: len(buyers)]))
    else:
        await at_their_times(buyers, wanted, rate, start)
    for buyer in buyers:
        await buyer.caught_up()
    return max((at for _, at in buyers[0].measured.decided.values()), default=start) - start


async def in_turn(buyer: Buyer, wanted: Baskets) -> None:
    for basket in wanted:
        await buyer.buy(basket, time.perf_counter())


async def at_their_times(buyers: Sequence[Buyer], wanted: Baskets, rate: float, start: float) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number, basket in enumerate(wanted):
            due = start + number / rate
            await asyncio.sleep(due - time.perf_counter())
            tasks.create_task(buyers[number % len(buyers)].try_to_buy(basket, due))


async def one_at_a_time(buyer: Buyer, wanted: Baskets) -> float:
    """The next when the last is decided. Returns the seconds that all took."""
    start = time.perf_counter()
    for basket in wanted:
        await buyer.buy(basket, time.perf_counter())
        await buyer.caught_up()
    return time.perf_counter() - start
