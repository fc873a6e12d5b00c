"""A figure without exactness is no figure: is everything settled, and do stock and money agree with it?"""

import time
from collections import Counter

from deploy.bench.buyers import Buyer, Measured
from deploy.bench.load import INVENTORY, PRICE, gather_some
from deploy.client import Json, Shop, until

SETTLE_SECONDS = 60.0


async def await_settlement(buyers: list[Buyer]) -> float:
    """Every purchase of every buyer is settled; returns how long that took after the load."""
    began = time.perf_counter()

    async def is_settled(buyer: Buyer) -> None:
        async def answer() -> bool | None:
            cursor, settled = "", True
            while True:
                page = await buyer.customer.call("GET", f"/purchases?limit=100{cursor}")
                settled = settled and all(item["settled"] for item in page["items"])
                if not settled or page["next"] is None:
                    return True if settled else None
                cursor = f"&cursor={page['next']}"

        await until(answer, seconds=SETTLE_SECONDS)

    await gather_some(10, [lambda buyer=buyer: is_settled(buyer) for buyer in buyers])
    return time.perf_counter() - began


async def check_books(shop: Shop, psp: str, measured: Measured, products: list[str]) -> list[str]:
    """What is off: stock against completed purchases, the provider's ledger against both."""
    completed = {purchase for purchase, (kind, _) in measured.decided.items() if kind == "completed"}
    stocks = await gather_some(10, [lambda p=p: shop.call("GET", f"/products/{p}") for p in products])
    sold = sum(INVENTORY - product["inventory"] for product in stocks)
    wrong = [] if sold == 2 * len(completed) else [f"{sold} units are gone, {2 * len(completed)} were sold"]
    async with shop.session.get(f"{psp}/v1/ledger") as response:
        ledger: list[Json] = await response.json()
    taken = Counter[str]()
    for entry in ledger:
        if entry["status"] == "captured":
            taken[entry["authorization"]] += entry["amount"]
    owed = dict.fromkeys(measured.decided, 0) | dict.fromkeys(completed, 2 * PRICE)
    return wrong + [f"{taken[key]} was taken for {key}" for key, due in owed.items() if taken[key] != due]
