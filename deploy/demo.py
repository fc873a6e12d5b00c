"""`./just demo`: what a newcomer wants to see, on real servers; exit code 0 only if all of it happened.

Starts the embedded stack, or with `--shop` walks through a shop that runs already, wherever it does.
"""

import argparse
import asyncio
import io
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError
from PIL import Image, ImageOps

from deploy.client import Customer, Json, Shop, Unexpected, until
from deploy.embedded import foreground
from deploy.embedded.errors import AlreadyRunning, StackError
from deploy.embedded.stack import Stack

STEPS_OF_SUCCESS = ["accepted", "reserve", "order", "payment"]
UNDONE = {"release", "cancel", "void"}


def say(text: str = "") -> None:
    print(text, flush=True)


def show(name: str, thing: Json, *fields: str) -> None:
    say(f"    {name}  " + json.dumps({field: thing[field] for field in fields}))


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Unexpected(f"expected {what}")


async def follow(customer: Customer, purchase_id: str) -> list[str]:
    """Prints each step as it arrives; returns their names, the decision among them."""
    began = time.monotonic()
    seen = []
    async for event in customer.watch(purchase_id):
        what = " ".join(str(event.data[key]) for key in ("step", "status", "reason") if key in event.data)
        say(f"    {(time.monotonic() - began) * 1000:7.0f} ms  id {event.id:>2}  {event.type:<9} {what}")
        seen.append(event.data.get("step", event.type))
    return seen


async def seller(shop: Shop) -> tuple[Customer, list[Json]]:
    say("\n1  Register, read the verification code from the mail, verify")
    customer = await shop.register()
    say(f"    registered {customer.person['email']}")
    await customer.verify()
    show("account", customer.tokens["account"], "id", "role", "verified")
    say("\n2  A category, two products, and a picture of the first")
    category = await customer.call(
        "POST", "/categories", expect=201, body={"name": f"Lamps {time.time_ns()}", "description": "Light"}
    )
    products = [
        await customer.create_product(category["id"], "Desk lamp", price=250_000, inventory=10),
        await customer.create_product(category["id"], "Bulb", price=40_000, inventory=50),
    ]
    for product in products:
        show("product", product, "id", "name", "price", "inventory")
    item = await customer.show_picture(products[0]["id"], glow(), alt="A lamp that is on")
    show("picture", item, "url", "width", "height")
    async with shop.session.get(item["url"]) as response:
        expect(response.status == 200 and response.content_type == "image/png", "a picture for everybody")
    return customer, products


def glow() -> bytes:
    """A picture of a lamp, as far as one can tell."""
    written = io.BytesIO()
    light = ImageOps.invert(Image.radial_gradient("L"))
    ImageOps.colorize(light, black="black", white="lightyellow", mid="darkorange").save(written, "PNG")
    return written.getvalue()


async def stocks(shop: Shop, products: list[Json]) -> list[int]:
    return [(await shop.call("GET", f"/products/{product['id']}"))["inventory"] for product in products]


async def good_purchase(customer: Customer, products: list[Json]) -> None:
    say("\n3  Buy a lamp and two bulbs: 202 at once, the steps over server-sent events")
    lamp, bulb = products
    bought = await customer.buy({lamp["id"]: 1, bulb["id"]: 2}, method="credit_card", installments=3)
    show("purchase", bought, "id", "status")
    seen = await follow(customer, bought["id"])
    expect(seen == [*STEPS_OF_SUCCESS, "completed"], f"the steps of a good purchase, not {seen}")
    order = await settled(customer, f"/orders/{bought['id']}", "APPROVED")
    show("order   ", order, "status", "total", "currency_code")
    expect(order["total"] == 330_000, "a total of 330000")
    payment = await settled(customer, f"/payments/{bought['id']}", "CAPTURED")
    show("payment ", payment, "status", "amount", "method", "installments")
    expect(await stocks(customer.shop, products) == [9, 48], "9 lamps and 48 bulbs left")


async def declined_purchase(customer: Customer, products: list[Json]) -> None:
    say("\n4  Buy with a card that will be declined: everything that was done is undone")
    lamp, _ = products
    bought = await customer.buy({lamp["id"]: 1}, token="tok_decline")  # noqa: S106  # scripts the provider
    seen = await follow(customer, bought["id"])
    expect("failed" in seen and seen[-1] == "settled", f"a failure that settles, not {seen}")
    expect(set(seen) > UNDONE, f"every step undone, not {seen}")
    order = await settled(customer, f"/orders/{bought['id']}", "CANCELED")
    show("order   ", order, "status", "total")
    payment = await settled(customer, f"/payments/{bought['id']}", "DECLINED")
    show("payment ", payment, "status", "amount")
    expect(await stocks(customer.shop, products) == [9, 48], "the lamp back in stock")


async def settled(customer: Customer, path: str, status: str) -> Json:
    """What follows from a decision is confirmed shortly after it."""

    async def answer() -> Json | None:
        thing = await customer.call("GET", path)
        return thing if thing["status"] == status else None

    return await until(answer, seconds=10)


async def mails(customer: Customer, count: int) -> None:
    say("\n5  The mails")

    async def answer() -> list[Json] | None:
        caught = await customer.shop.mails_to(customer.person["email"])
        return caught if len(caught) >= count else None

    for mail in reversed(await until(answer, seconds=15)):
        say(f"    {mail['Content']['Headers']['Subject'][0]}")


async def story(edge: str, mail_api: str) -> None:
    async with Shop.at(edge, mail_api) as shop:
        customer, products = await seller(shop)
        await good_purchase(customer, products)
        await declined_purchase(customer, products)
        await mails(customer, 3)


@asynccontextmanager
async def timed(what: str) -> AsyncIterator[None]:
    began = time.monotonic()
    yield
    say(f"\n{what} {time.monotonic() - began:.1f} s.")


def start(stack: Stack) -> None:
    try:
        foreground.start(stack, bare=False, tied=False)
    except AlreadyRunning:
        say("The stack is running already.")


async def on_own_stack() -> None:
    stack = Stack.from_environment()
    async with timed("The whole demo took"):
        await asyncio.to_thread(start, stack)
        running = stack.as_running()
        await story(running.url("edge"), running.url("mail_api"))
    say("All of it happened. The stack stays up:")
    for name, url in foreground.addresses(running, bare=False):
        say(f"    {name:<10} {url}")
    say("./just status shows it, ./just down stops it.")


async def elsewhere(edge: str, mail_api: str) -> None:
    async with timed("The whole demo took"):
        await story(edge, mail_api)
    say(f"All of it happened, at {edge}.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="./just demo", description=__doc__)
    parser.add_argument("--shop", help="a shop that runs already, as http://localhost")
    parser.add_argument("--mail", default="http://localhost:8025", help="and its caught mail: MailHog's API")
    arguments = parser.parse_args()
    walk = elsewhere(arguments.shop, arguments.mail) if arguments.shop else on_own_stack()
    try:
        asyncio.run(walk)
    except (StackError, Unexpected, TimeoutError, ClientError) as error:
        print(f"demo: {error or 'something did not happen in time'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
