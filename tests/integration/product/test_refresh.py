"""Products that stay in memory because somebody wants them: five seconds old at most, whatever is not said.

Rows are changed here behind the service's back: no word is said, and none is lost by chance.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

import asyncpg

from common.main import Role
from common.postgres.database import UNAVAILABLE
from product.views import STOCK_SECONDS
from tests.integration.product.conftest import Client, Shop, metrics, shown
from tests.support import eventually

PROMISED = 5.0
NOWHERE = "redis://127.0.0.1:1/0"
SELL = "UPDATE stock SET available = available - 1 WHERE product_id = $1"
RENAME = "UPDATE products SET name = 'Coffee', version = version + 1 WHERE id = $1"
DELETE = "UPDATE products SET category_id = NULL, deleted_at = now() WHERE id = $1"


@asynccontextmanager
async def owner(shop: Shop) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(shop.owner_url)
    try:
        yield connection
    finally:
        await connection.close()


async def silently(shop: Shop, statement: str, product_id: str) -> float:
    """When it was committed."""
    async with owner(shop) as connection:
        await connection.execute(statement, UUID(product_id))
    return time.monotonic()


async def inventory(client: Client, product_id: str, expected: int) -> bool:
    return (await shown(client, product_id))["inventory"] == expected


async def soon(question: Callable[[], Awaitable[bool]], since: float) -> None:
    """Whoever asks later than promised is answered yes; how long the answer takes is the machine's affair."""
    while True:
        asked = time.monotonic()
        if await question():
            return
        assert asked - since < PROMISED
        await asyncio.sleep(0.02)


async def counts(client: Client) -> tuple[float, float]:
    """Loads, and answers read again."""
    seen = await metrics(client)
    kind = 'kind="product"'
    return seen[f"shop_cache_loads_total{{{kind}}}"], seen[f"shop_cache_refreshed_total{{{kind}}}"]


async def test_what_is_wanted_is_loaded_once_and_never_older_than_promised(shop: Shop) -> None:
    """For three lifetimes, with a sale in each of which nobody says a word; on two replicas.

    A machine that stands still outlasts what is kept: that is loaded once more. Else each sale would be.
    """
    clients = [await shop.start(Role.API), await shop.start(Role.API)]
    product = await clients[0].product(inventory=5)
    began = time.monotonic()
    for left in (4, 3, 2, 1, 0):
        for client in clients:
            await shown(client, product["id"])
        sold = await silently(shop, SELL, product["id"])
        for client in clients:
            await soon(partial(inventory, client, product["id"], left), sold)
    assert time.monotonic() - began > STOCK_SECONDS, "long enough to need it"
    loads = [await counts(client) for client in clients]
    assert sum(each for each, _ in loads) <= 4
    assert min(again for _, again in loads) >= 3


async def test_what_commits_late_is_not_missed(shop: Shop) -> None:
    """It began first, and ends after others that began later were seen."""
    client = await shop.start(Role.API)
    early, late = await client.product(inventory=5), await client.product(inventory=5)
    for each in (early, late):
        await shown(client, each["id"])
    async with owner(shop) as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(SELL, UUID(late["id"]))
        sold = await silently(shop, SELL, early["id"])
        await soon(lambda: inventory(client, early["id"], 4), sold)
        assert await inventory(client, late["id"], 5)
        await transaction.commit()
        sold = time.monotonic()
    await soon(lambda: inventory(client, late["id"], 4), sold)


async def test_without_redis_the_promise_is_the_same(shop: Shop) -> None:
    """At the second or third sale, should the machine have stood still for longer than it is kept."""
    client = await shop.start(Role.API, redis_url=NOWHERE)
    product = await client.product(inventory=5)
    await shown(client, product["id"])
    grown: list[tuple[float, float]] = []
    while len(grown) < 3 and not any(map(is_refreshed, grown)):
        left = 4 - len(grown)
        loads, again = await counts(client)
        sold = await silently(shop, SELL, product["id"])
        await soon(partial(inventory, client, product["id"], left), sold)
        more_loads, more = await counts(client)
        grown.append((more_loads - loads, more - again))
    assert any(map(is_refreshed, grown)), grown


def is_refreshed(grown: tuple[float, float]) -> bool:
    """Not loaded, but read again."""
    loads, again = grown
    return loads == 0 and again >= 1


async def test_the_version_is_that_of_what_is_shown(shop: Shop) -> None:
    """Who reads it may change it; who has read the former may not."""
    client = await shop.start(Role.API)
    product = await client.product()
    path = f"/products/{product['id']}"
    before = await client("GET", path, by=None)
    renamed_at = await silently(shop, RENAME, product["id"])

    async def renamed() -> bool:
        answer = await client("GET", path, by=None)
        assert (answer.body["name"], answer.body["version"], answer.headers["ETag"]) in [
            ("Tea", 1, '"1"'),
            ("Coffee", 2, '"2"'),
        ]
        return bool(answer.body["version"] == 2)

    await soon(renamed, renamed_at)
    after = await client("GET", path, by=None)
    for read, status in ((before, 412), (after, 200)):
        headers = {"If-Match": read.headers["ETag"]}
        assert (await client("PUT", path, {"price": 200}, headers=headers)).status == status


async def test_what_is_gone_is_shown_no_longer_than_promised_and_never_again(shop: Shop) -> None:
    """And what is there is never a 404."""
    client = await shop.start(Role.API)
    gone, stays = await client.product(), await client.product()
    for each in (gone, stays):
        await shown(client, each["id"])
    deleted = await silently(shop, DELETE, gone["id"])

    async def is_unknown() -> bool:
        await shown(client, stays["id"])
        return (await client("GET", f"/products/{gone['id']}", by=None)).status == 404

    await soon(is_unknown, deleted)
    assert await is_unknown()


async def test_without_the_database_it_is_shown_until_its_time_is_over(shop: Shop) -> None:
    """Five seconds after the last time that the database has said so; then nothing is, until it is back."""
    client = await shop.start(Role.API)
    product = await client.product()
    outlived: list[float] = []
    while len(outlived) < 3 and max(outlived, default=0.0) <= 0:  # the machine may stand still meanwhile
        await eventually(lambda: inventory(client, product["id"], product["inventory"]))
        outlived.append(await outlives(shop, client, product["id"]))
    assert 0 < max(outlived) < PROMISED
    await eventually(lambda: inventory(client, product["id"], product["inventory"]))


async def outlives(shop: Shop, client: Client, product_id: str) -> float:
    """How long the database was away when it was last asked for, and shown; before that it is negative."""
    last_asked = 0.0

    async def is_over() -> bool:
        nonlocal last_asked
        asked = time.monotonic()
        answer = await client("GET", f"/products/{product_id}", by=None)
        if answer.status == 200:
            last_asked = asked
        return answer.status == 503

    stopping = asyncio.ensure_future(asyncio.to_thread(shop.servers.stop_process, "postgres"))
    try:
        await eventually(lambda: is_away(shop))
        away = time.monotonic()
        await eventually(is_over)
    finally:
        await stopping
        await asyncio.to_thread(shop.servers.start_process, "postgres")
    return last_asked - away


async def is_away(shop: Shop) -> bool:
    try:
        async with owner(shop):
            return False
    except UNAVAILABLE:
        return True
