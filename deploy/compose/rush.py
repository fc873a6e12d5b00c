"""`python -m deploy.compose.rush`: purchases one after another at a shop that runs, whatever happens to it.

Exit code 0 when every one of them completed and the stock is exactly what they left of it.
"""

import argparse
import asyncio
import sys
import time

from deploy.client import Customer, Shop, Unexpected, until

INVENTORY = 1_000_000


async def rush(edge: str, mail_api: str, seconds: float) -> list[float]:
    """How long each took to be decided."""
    async with Shop.at(edge, mail_api) as shop:
        customer = await shop.register()
        await customer.verify()
        product = await lamp(customer)
        took = []
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            took.append(await timed_purchase(customer, product))
        await until(lambda: left(shop, product, INVENTORY - len(took)), seconds=30)
        return took


async def lamp(customer: Customer) -> str:
    category = await customer.call(
        "POST", "/categories", expect=201, body={"name": f"Rush {time.time_ns()}", "description": "-"}
    )
    return str((await customer.create_product(category["id"], "Lamp", price=1000, inventory=INVENTORY))["id"])


async def timed_purchase(customer: Customer, product: str) -> float:
    began = time.monotonic()
    bought = await customer.buy_surely({product: 1})
    decision = await customer.outcome(bought["id"])
    if decision.type != "completed":
        raise Unexpected(f"the purchase {bought['id']} ended as {decision.type}: {decision.data}")
    return time.monotonic() - began


async def left(shop: Shop, product: str, count: int) -> bool | None:
    """What is left may be five seconds old."""
    return (await shop.call("GET", f"/products/{product}"))["inventory"] == count or None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", default="http://localhost")
    parser.add_argument("--mail", default="http://localhost:8025")
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    try:
        took = asyncio.run(rush(arguments.shop, arguments.mail, arguments.seconds))
    except (Unexpected, TimeoutError) as error:
        print(f"rush: {error or 'something did not happen in time'}", file=sys.stderr)
        return 1
    median = sorted(took)[len(took) // 2]
    print(f"{len(took)} purchases completed; median {median:.2f} s, slowest {max(took):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
