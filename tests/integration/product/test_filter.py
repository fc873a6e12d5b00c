"""What nobody has is not looked for in the table, and what is there is never a 404."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from common.cache.filter import lease_key
from common.cache.kinds import KINDS
from common.cache.store import Store
from common.ids import new_id
from tests.integration.product.conftest import Client, Shop, metrics, space
from tests.support import eventually

pytestmark = pytest.mark.usefixtures("patient")

MONTH_MS = 30 * 86_400_000
OLD = """
WITH category AS (
  INSERT INTO categories (id, owner_id, name, description) VALUES ($1, $1, 'Old', '') RETURNING id
), product AS (
  INSERT INTO products (id, seller_id, category_id, name, description, brand_name, price, currency_code)
  SELECT each, $1, category.id, 'Old', '', 'Leaf', 100, 'VND' FROM unnest($2::uuid[]) AS each, category
  RETURNING id
)
INSERT INTO stock (product_id, received, available) SELECT id, 5, 5 FROM product
"""
LOADS = 'shop_cache_loads_total{kind="product"}'
EXCLUDED = 'shop_cache_hits_total{kind="product",level="filter"}'
LOOKS = "SELECT coalesce(sum(idx_scan), 0)::bigint FROM pg_stat_user_tables WHERE relname = 'products'"


async def with_old_products(shop: Shop, count: int) -> list[UUID]:
    """From before the filter's grace, as if they had been there for a month."""
    ids = [UUID(int=new_id().int - (MONTH_MS << 80)) for _ in range(count)]
    connection = await asyncpg.connect(shop.owner_url)
    try:
        await connection.execute(OLD, new_id(), ids)
    finally:
        await connection.close()
    return ids


async def looks(shop: Shop) -> int:
    """Into the table of products, as Postgres itself has counted them."""
    [row] = await shop.look(LOOKS)
    return int(row[0])


async def trusted(shop: Shop) -> None:
    """The filter stands."""
    url = shop.servers.redis_url_of("product")
    store = Store(url, cluster=False, space=space(shop), fence_seconds=1)
    try:
        await eventually(lambda: has_lease(store))
    finally:
        await store.aclose()


async def has_lease(store: Store) -> bool:
    [name] = await store.ask(("GET", lease_key(store)))
    return name is not None


@pytest.mark.parametrize("kind", KINDS)
async def test_made_up_ids_do_not_reach_the_database(shop: Shop, kind: str) -> None:
    """Some hundred; `./just bench-reads --unknown` asks for more."""
    client = await shop.start(id_filter=kind)
    await trusted(shop)
    reached = [await asked_in_vain(shop, client) for _ in range(3)]
    # The best of three: a machine that stands still for a second fails towards the database.
    loads, excluded, looked = min(reached)
    assert loads < 5, reached
    assert excluded > 395, reached
    assert looked < 20, "the keeper's own look at the table among them"


async def asked_in_vain(shop: Shop, client: Client) -> tuple[float, float, int]:
    """For 400 ids that nobody has: loads of products, answers of the filter, looks into the table."""
    before, looked = await metrics(client), await looks(shop)
    gate = asyncio.Semaphore(20)

    async def ask() -> int:
        async with gate:
            return (await client("GET", f"/products/{uuid4()}", by=None)).status

    assert set(await asyncio.gather(*(ask() for _ in range(400)))) == {404}
    after = await metrics(client)
    loads, excluded = (after.get(name, 0.0) - before.get(name, 0.0) for name in (LOADS, EXCLUDED))
    return loads, excluded, await looks(shop) - looked


async def test_no_flush_makes_a_product_unknown(shop: Shop) -> None:
    """Under load, again and again; and the filter comes back by itself."""
    ids = await with_old_products(shop, 20)
    clients = [await shop.start(memory_mib=0), await shop.start(memory_mib=0)]
    await trusted(shop)
    flushed = asyncio.Event()
    statuses: list[int] = []

    async def keep_reading(client: Client) -> None:
        while not flushed.is_set():
            answers = [await client("GET", f"/products/{each}", by=None) for each in ids]
            statuses.extend(answer.status for answer in answers)

    async with Redis.from_url(shop.servers.redis_url) as admin:
        reading = [asyncio.ensure_future(keep_reading(client)) for client in clients for _ in range(3)]
        for _ in range(4):
            await admin.flushall()
            wanted = len(statuses) + 2 * len(ids)
            await trusted(shop)
            await eventually(lambda wanted=wanted: len(statuses) >= wanted, seconds=30)  # type: ignore[misc]  # mypy cannot tell
        flushed.set()
        await asyncio.gather(*reading)
    assert set(statuses) == {200}
    assert (await clients[0]("GET", f"/products/{uuid4()}", by=None)).status == 404
