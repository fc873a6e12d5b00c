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


async def load(
    buyers: list[Buyer], products: list[str], purchases: int, *, hot: bool = False, rate: float | None = None
) -> float:
    """Returns the seconds to the last decision.

    Without a rate every buyer posts as fast as it is answered. With one, purchases have their times, and what
    a slow shop makes wait counts from there: no coordinated omission.
    """
    draw = random.Random(1)  # noqa: S311  # reproducible baskets
    baskets = [products[:2] if hot else draw.sample(products, 2) for _ in range(purchases)]
    dues = [number / rate if rate else 0.0 for number in range(purchases)]
    plan = list(zip(dues, baskets, strict=True))
    ready = asyncio.Barrier(len(buyers) + 1)
    began: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def one(buyer: Buyer, mine: list[tuple[float, list[str]]]) -> None:
        async with buyer.listening(len(mine)):
            await ready.wait()
            start = await began
            for due, basket in mine:
                await asyncio.sleep(start + due - time.perf_counter())
                await buyer.buy(basket, start + due if rate else time.perf_counter())

    async with asyncio.TaskGroup() as tasks:
        for number, buyer in enumerate(buyers):
            tasks.create_task(one(buyer, plan[number :: len(buyers)]))
        await ready.wait()
        began.set_result(time.perf_counter())
    return max(at for _, at in buyers[0].measured.decided.values()) - began.result()
