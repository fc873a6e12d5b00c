"""A figure without exactness is no figure: is all settled, and do stock, money and mails agree with it?"""

import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence

import asyncpg

from deploy.audit.books import Books
from deploy.audit.findings import CLOSED
from deploy.audit.look import audit
from deploy.audit.sources import Ledger, Sources, over_http
from deploy.bench.buyers import Measured
from deploy.bench.load import INVENTORY, PRICE, gather_some
from deploy.client import Shop, until
from deploy.embedded.stack import Stack

SETTLE_SECONDS = 60.0
LOOK_SECONDS = 0.25
"""Looking costs the shop something, too."""

MAILED = """
SELECT about::text AS purchase, kind, status FROM mails WHERE about = ANY($1::uuid[])
"""
NOTICES = {"completed": "receipt", "failed": "failure", "timed_out": "failure"}


async def closed(stack: Stack) -> float | None:
    """Waits until everything is settled, said and mailed, and returns how long that took; None: too long."""
    books, began = Books(stack.auditor_urls, ()), time.perf_counter()

    async def answer() -> bool | None:
        return await books.are_closed() or None

    try:
        await until(answer, seconds=SETTLE_SECONDS, every=LOOK_SECONDS)
    except TimeoutError:
        return None
    return time.perf_counter() - began


async def wrong(stack: Stack, shop: Shop, measured: Measured, products: Sequence[str]) -> list[str]:
    """Everything that is off; call it when the books are closed."""
    ledger = over_http(stack.url("psp"))
    ends = {purchase: kind for purchase, (kind, _) in measured.decided.items()}
    return [
        *await missing_stock(shop, ends, products),
        *missing_money(await taken(ledger, ends), ends),
        *missing_mails(await mailed(stack.auditor_urls["mail"], list(ends)), ends),
        *map(str, (await audit(Sources(stack.auditor_urls, ledger), CLOSED)).in_order),
    ]


async def missing_stock(shop: Shop, ends: Mapping[str, str], products: Sequence[str]) -> list[str]:
    stocks = await gather_some(10, [lambda p=p: shop.call("GET", f"/products/{p}") for p in products])
    gone = sum(INVENTORY - product["inventory"] for product in stocks)
    sold = 2 * Counter(ends.values())["completed"]
    return [] if gone == sold else [f"{gone} units are gone, {sold} were sold"]


async def taken(ledger: Ledger, wanted: Container[str]) -> Counter[str]:
    """By authorization; page by page, for the ledger may be long."""
    sums = Counter[str]()
    async for page in ledger():
        for entry in page:
            if entry.status == "captured" and entry.authorization in wanted:
                sums[entry.authorization] += entry.amount
    return sums


def missing_money(sums: Counter[str], ends: Mapping[str, str]) -> list[str]:
    """Whoever completed has paid both lines, and nobody else anything."""
    owed = {purchase: 2 * PRICE * (kind == "completed") for purchase, kind in ends.items()}
    return [f"{sums[key]} was taken for {key}" for key, due in owed.items() if sums[key] != due]


def missing_mails(sent: Counter[tuple[str, str]], ends: Mapping[str, str]) -> list[str]:
    """One notice of each purchase, of the right kind, and it has gone out."""
    due = Counter((purchase, NOTICES[kind]) for purchase, kind in ends.items())
    return [
        f"{sent[each]} mails of kind {each[1]} went out about {each[0]}, {due[each]} are due"
        for each in sorted(sent.keys() | due.keys())
        if sent[each] != due[each]
    ]


async def mailed(url: str, purchases: Sequence[str]) -> Counter[tuple[str, str]]:
    """Purchase and kind of what was sent about these."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(MAILED, purchases)
    finally:
        await connection.close()
    return Counter((row["purchase"], row["kind"]) for row in rows if row["status"] == "sent")
