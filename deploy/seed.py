"""`./just seed 10000`: fills the running shop with a catalogue, the same one for the same `--random-seed`.

Seller and shelves come through the shop's door. Products go in by the hundreds, through the functions of the
service itself, with their stock, its ledger, and their announcements in the outbox, which the running service
publishes. One by one over HTTP they would take minutes.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from uuid import UUID

from aiohttp import ClientError

from common.messaging.outbox import Outbox
from common.postgres.database import UNAVAILABLE, Database
from deploy.client import Customer, Shop, Unexpected
from deploy.embedded.errors import NotRunning, StackError
from deploy.embedded.stack import Stack
from deploy.goods import SHELVES, Goods, invent
from product.model import announcements
from product.model.catalogue import NewProduct
from product.repository import products

MOST = 1_000_000
AT_ONCE = 250


async def open_shop(shop: Shop) -> tuple[Customer, list[str]]:
    """A seller with a confirmed mailbox, and a category for each shelf: one that is there, or a new one."""
    seller = await shop.register(first_name="Mai", last_name="Trần", address="36 Hàng Bạc, Hà Nội")
    await seller.verify()
    known = {name: category_id async for name, category_id in categories(shop)}
    for shelf in SHELVES:
        if shelf.name not in known:
            body = {"name": shelf.name, "description": shelf.description}
            known[shelf.name] = (await seller.call("POST", "/categories", expect=201, body=body))["id"]
    return seller, [known[shelf.name] for shelf in SHELVES]


async def categories(shop: Shop) -> AsyncIterator[tuple[str, str]]:
    cursor: str | None = ""
    while cursor is not None:
        page = await shop.call("GET", f"/categories?limit=100{cursor}")
        for each in page["items"]:
            yield each["name"], each["id"]
        cursor = f"&cursor={page['next']}" if page["next"] else None


def offer(goods: Goods, shelves: list[str]) -> NewProduct:
    return NewProduct(
        category_id=UUID(shelves[goods.shelf]),
        name=goods.name,
        description=goods.description,
        brand_name=goods.brand_name,
        price=goods.price,
        inventory=goods.inventory,
        currency_code="VND",
    )


async def fill(db: Database, seller_id: UUID, offers: list[NewProduct]) -> None:
    """Each batch is a transaction: after an interruption there are fewer products, and none by half."""
    outbox = Outbox(lambda _rows: None)
    for first in range(0, len(offers), AT_ONCE):
        async with db.begin() as tx:
            added = await products.add(tx, seller_id, offers[first : first + AT_ONCE])
            await outbox.put(tx, announcements.offered(added))
        progress(min(first + AT_ONCE, len(offers)), len(offers))


def progress(done: int, of: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{done:,} of {of:,} products", end="" if done < of else "\n", flush=True)
    elif done % (AT_ONCE * 10) == 0 or done == of:
        print(f"{done:,} of {of:,} products", flush=True)


async def run(stack: Stack, count: int, seed: int) -> None:
    began = time.monotonic()
    async with Shop.at(stack.url("edge"), stack.url("mail_api")) as shop:
        seller, shelves = await open_shop(shop)
    offers = [offer(each, shelves) for each in invent(count, seed)]
    async with Database.connect(stack.database_url("product"), size=1, name="seed") as db:
        await fill(db, UUID(seller.tokens["account"]["id"]), offers)
    print(
        f"{count:,} products on {len(shelves)} shelves in {time.monotonic() - began:.1f} s."
        f" Their seller is {seller.person['email']}, password {seller.person['password']}."
    )


def bounded(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST:,}")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(prog="./just seed", description=__doc__)
    parser.add_argument("count", type=bounded, nargs="?", default=10_000, help="how many products")
    parser.add_argument("--random-seed", type=int, default=1, help="another number, other goods")
    given = parser.parse_args()
    try:
        stack = Stack.from_environment()
        if not stack.is_running:
            raise NotRunning("the stack is not running; ./just up starts it")
        asyncio.run(run(stack.as_running(), given.count, given.random_seed))
    except (StackError, Unexpected, ClientError, TimeoutError, *UNAVAILABLE) as error:
        print(f"seed: {error or 'the shop does not answer'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
