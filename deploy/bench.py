"""`./just bench`: buyers at the edge of a running stack, every purchase followed over SSE, the books checked.

A figure without exactness is no figure: stock, money and settlement are compared after the load, and the exit
code is 1 when anything is off.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy import flood
from deploy.buyers import Buyer, Measured
from deploy.client import Customer, Json, Shop, Unexpected, until
from deploy.embedded import foreground
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack

PRICE = 10_000
PRODUCTS = 100
INVENTORY = 1_000_000
SETTLE_SECONDS = 60.0


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


def report(measured: Measured, seconds: float, settled: float, wrong: list[str]) -> Json:
    durations = sorted(measured.durations())
    kinds = Counter(kind for kind, _ in measured.decided.values())
    return {
        "purchases": len(durations),
        "outcomes": dict(kinds),
        "seconds": round(seconds, 3),
        "purchases_per_second": round(len(durations) / seconds, 1),
        "post_ms": quantiles(measured.accepted),
        "accept_to_decided_ms": quantiles(durations),
        "decision_to_client_ms": quantiles(measured.told),
        "settled_after_load_seconds": round(settled, 2),
        "wrong": wrong,
    }


def quantiles(values: Sequence[float]) -> Json:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {name: round(1000 * cuts[cut - 1], 1) for name, cut in (("p50", 50), ("p95", 95), ("p99", 99))}


async def run(stack: Stack, given: argparse.Namespace) -> Json:
    async with Shop.at(stack.url("edge"), stack.url("mail_api"), connections=2 * given.buyers + 20) as shop:
        measured = Measured()
        buyers, products = await prepare(shop, given.buyers, measured)
        seconds = await load(buyers, products, given.purchases, hot=given.hot, rate=given.rate)
        settled = await await_settlement(buyers)
        wrong = await check_books(shop, stack.url("psp"), measured, products)
        return report(measured, seconds, settled, wrong)


async def beside_logins(stack: Stack, given: argparse.Namespace) -> Json:
    """Settlement and books are for the load without a flood."""
    edge, mails = stack.url("edge"), stack.url("mail_api")
    async with (
        Shop.at(edge, mails, connections=2 * given.buyers + 20) as shop,
        Shop.at(edge, mails, connections=flood.MOST_OPEN) as elsewhere,
    ):
        buyers, products = await prepare(shop, given.buyers, Measured())

        async def once() -> list[float]:
            measured = Measured()
            for buyer in buyers:
                buyer.measured, buyer.mine = measured, 0
            await load(buyers, products, given.purchases, hot=given.hot, rate=given.rate)
            return measured.durations()

        return await flood.compare(flood.Flood(elsewhere, given.logins), given.rounds, once)


def main() -> int:
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("--purchases", type=int, default=1000)
    parser.add_argument("--buyers", type=int, default=50)
    parser.add_argument("--hot", action="store_true", help="everybody wants the same two products")
    parser.add_argument("--rate", type=float, help="purchases per second; as fast as answered without it")
    parser.add_argument(
        "--logins", type=float, help="wrong ones per second beside the purchases, and without"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the load without and beside the logins")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    try:
        stack = Stack.from_environment()
        if not stack.is_running:
            foreground.start(stack, bare=False, tied=False)
        measure = beside_logins if given.logins else run
        figures = asyncio.run(measure(stack.as_running(), given))
    except (StackError, Unexpected, TimeoutError) as error:
        print(f"bench: {error or 'not everything was settled in time'}", file=sys.stderr)
        return 1
    text = json.dumps(figures, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")
    return 1 if figures.get("wrong") else 0


if __name__ == "__main__":
    sys.exit(main())
