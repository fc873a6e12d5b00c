"""Who buys during a campaign, and what there is to buy."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp

from deploy.chaos.traffic import Buyer, Traffic
from deploy.client import AWAY, Customer, Shop, until

PATIENCE = aiohttp.ClientTimeout(total=10)
INVENTORY = 10_000_000
PRODUCTS = 40


@asynccontextmanager
async def customers(edge: str, mail_api: str, count: int) -> AsyncIterator[Traffic]:
    """A seller's goods, and so many customers who listen."""
    told = Counter[int]()
    tracing = aiohttp.TraceConfig()

    async def count_status(_: Any, __: Any, ended: aiohttp.TraceRequestEndParams) -> None:
        told[ended.response.status] += 1

    tracing.on_request_end.append(count_status)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=PATIENCE, trace_configs=[tracing]
    ) as session:
        shop = Shop(edge, mail_api, session)
        traffic = Traffic(shop, statuses=told)
        known = await gathered(count, shop)
        traffic.buyers = [Buyer(each, traffic) for each in known]
        traffic.products = await goods(known[0], PRODUCTS, INVENTORY)
        following = [asyncio.ensure_future(each.follow()) for each in traffic.buyers]
        following += [asyncio.ensure_future(each.stay_signed_in()) for each in traffic.buyers]
        try:
            yield traffic
        finally:
            for task in (*following, *traffic._open):
                task.cancel()
            await asyncio.gather(*following, *traffic._open, return_exceptions=True)


async def gathered(count: int, shop: Shop, at_once: int = 20) -> list[Customer]:
    """So many verified customers."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> Customer:
        async with gate:
            return await until(partial(newcomer, shop), seconds=120)

    return await asyncio.gather(*(one() for _ in range(count)))


async def newcomer(shop: Shop) -> Customer | None:
    """None while the shop is too busy to let anybody in."""
    try:
        made = await shop.register()
        await made.verify()
    except AWAY:
        return None
    return made


async def goods(seller: Customer, count: int, inventory: int) -> list[str]:
    """So many products of one seller."""
    body = {"name": f"Chaos {time.time_ns()}", "description": "-"}
    category = await seller.call("POST", "/categories", expect=201, body=body)
    made = [
        await seller.create_product(category["id"], f"P{number}", price=1000, inventory=inventory)
        for number in range(count)
    ]
    return [str(each["id"]) for each in made]
