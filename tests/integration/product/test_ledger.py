"""The ledger of the stock: who may read it, what it says, and that it is never rewritten."""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common.main import Role
from tests.integration.product.commands import assert_exact, replies, stock, tell
from tests.integration.product.conftest import Client, Shop
from tests.people import ADMIN, SELLER, STRANGER
from tests.unit.product.words import release, reserve

OPENINGS = import_module("product.migrations.0005_post_openings")
WITHOUT_A_LEDGER = """
WITH gone AS (UPDATE stock SET available = available - 2 WHERE product_id = $1 RETURNING product_id),
product AS (
  INSERT INTO products (id, seller_id, category_id, name, description, brand_name, price, currency_code)
  SELECT gen_random_uuid(), seller_id, category_id, name, '', '', 1, 'VND' FROM products, gone WHERE id = $1
  RETURNING id
)
INSERT INTO stock (product_id, received, available) SELECT id, 7, 7 FROM product RETURNING product_id
"""
PUT_IN = """
INSERT INTO stock_movements (product_id, version, position, kind, change, available, account_id)
VALUES ($1, 9, 1, $2, $3, $4, $5)
"""
MONTHS = "SELECT relname FROM pg_class WHERE relname ~ '^stock_movements_\\d{6}$' ORDER BY 1"


async def ledger(
    client: Client, product: dict[str, Any], query: str = "", **how: Any
) -> list[dict[str, Any]]:
    answer = await client("GET", f"/products/{product['id']}/stock/movements{query}", **how)
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = answer.body["items"]
    return items


async def test_every_movement_is_there_the_last_one_first(shop: Shop) -> None:
    client = await shop.start()
    tea = await client.product(inventory=5)
    for order, by in (({"change": 4}, SELLER), ({"change": -1}, SELLER), ({"set": 6}, ADMIN)):
        await client("POST", f"/products/{tea['id']}/stock", order, by=by)
    command = reserve({UUID(tea["id"]): 2})
    await tell(shop, [command, reserve({UUID(tea["id"]): 9})])
    await replies(shop, 2)
    await tell(shop, [release(command)])
    await replies(shop, 3)

    lines = await ledger(client, tea)
    assert [(line["version"], line["kind"], line["change"], line["available"]) for line in lines] == [
        (6, "released", 2, 6),
        (5, "reserved", -2, 4),
        (4, "set", -2, 6),
        (3, "removed", -1, 8),
        (2, "received", 4, 9),
        (1, "received", 5, 5),
    ]
    purchase, seller, admin = str(command.purchase.id), str(SELLER), str(ADMIN)
    assert [line["purchase_id"] for line in lines] == [purchase, purchase, None, None, None, None]
    assert [line["account_id"] for line in lines] == [None, None, admin, seller, seller, seller]
    assert await stock(shop, tea["id"]) == 6


async def test_what_is_reserved_and_given_back_in_one_batch_is_in_it_too(shop: Shop) -> None:
    client = await shop.start(Role.API)
    tea, cup = await client.product(inventory=5), await client.product(inventory=5)
    first, second = reserve({UUID(tea["id"]): 3, UUID(cup["id"]): 1}), reserve({UUID(cup["id"]): 2})
    await tell(shop, [first, release(first), second])
    await shop.start(Role.WORKER)
    await replies(shop, 3)
    await assert_exact(shop)

    told = [(line["kind"], line["available"]) for line in await ledger(client, tea)]
    assert told == [("released", 5), ("reserved", 2), ("received", 5)]
    told = [(line["kind"], line["available"]) for line in await ledger(client, cup)]
    assert told == [("reserved", 3), ("released", 5), ("reserved", 4), ("received", 5)]
    assert {line["version"] for line in await ledger(client, tea)} <= {1, 2, 3}


async def test_the_ledger_is_the_sellers_and_comes_in_pages(shop: Shop) -> None:
    client = await shop.start(Role.API)
    tea, cup = await client.product(), await client.product()
    path = f"/products/{tea['id']}/stock"
    for _ in range(4):
        await client("POST", path, {"change": 1})
    assert (await client("GET", f"{path}/movements", by=None)).status == 401
    assert (await client("GET", f"{path}/movements", by=STRANGER)).verdict == (403, "forbidden")
    assert (await client("GET", f"/products/{uuid4()}/stock/movements")).status == 404
    assert len(await ledger(client, tea, by=ADMIN)) == 5

    seen, query = [], "limit=2"
    while query:
        page = (await client("GET", f"{path}/movements?{query}")).body
        seen += [line["version"] for line in page["items"]]
        query = f"limit=2&cursor={page['next']}" if page["next"] else ""
        await client("POST", path, {"change": 1})
    assert seen == [5, 4, 3, 2, 1]
    assert [line["version"] for line in await ledger(client, tea, "?offset=6&limit=1")] == [2]
    foreign = (await client("GET", f"{path}/movements?limit=1")).body["next"]
    for query in (f"cursor={foreign}", "cursor=x", "cursor=", "limit=0", "limit=101", "offset=-1"):
        answer = await client("GET", f"/products/{cup['id']}/stock/movements?{query}")
        assert answer.status == 400, query


async def test_nobody_rewrites_it(shop: Shop) -> None:
    client = await shop.start(Role.API)
    tea = await client.product()
    connection = await asyncpg.connect(shop.url)
    for forbidden in (
        "UPDATE stock_movements SET change = 0",
        "DELETE FROM stock_movements",
        "TRUNCATE stock_movements",
        f"DELETE FROM stock_movements_{datetime.now(UTC):%Y%m}",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    for kind, change, available, account in (
        ("stolen", 1, 5, SELLER),
        ("received", 1, -1, SELLER),
        ("received", 6, 5, SELLER),
        ("received", 1, 5, None),
        ("opening", 1, 5, SELLER),
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(PUT_IN, tea["id"], kind, change, available, account)
    await connection.close()


async def test_a_stock_that_is_older_than_its_ledger_opens_it(shop: Shop) -> None:
    client = await shop.start(Role.API)
    tea, cup = await client.product(inventory=5), await client.product(inventory=3)
    [[old]] = await shop.look(WITHOUT_A_LEDGER, tea["id"])
    for _ in range(2):
        await shop.look(OPENINGS.OPEN)
        lines = [*await ledger(client, tea), *await ledger(client, {"id": old}), *await ledger(client, cup)]
        assert [(line["kind"], line["change"], line["available"]) for line in lines] == [
            ("opening", -2, 3),
            ("received", 5, 5),
            ("opening", 7, 7),
            ("received", 3, 3),
        ]


async def test_old_months_go_and_the_next_one_is_there_before_it_comes(shop: Shop) -> None:
    await shop.look(
        "CREATE TABLE stock_movements_200001 PARTITION OF stock_movements"
        " FOR VALUES FROM ('2000-01-01Z') TO ('2000-02-01Z')"
    )
    [[recent]] = await shop.look(
        "SELECT to_char(date_trunc('month', now() AT TIME ZONE 'utc') - interval '3 months', 'YYYYMM')"
    )
    await shop.look(
        f"CREATE TABLE stock_movements_{recent} PARTITION OF stock_movements"
        f" FOR VALUES FROM (to_date('{recent}', 'YYYYMM')) TO (to_date('{recent}', 'YYYYMM') + 28)"
    )
    before = [row["relname"] for row in await shop.look(MONTHS)]
    assert len(before) == 4
    connection = await asyncpg.connect(shop.url)
    await connection.execute("SELECT maintain_movements(-100)")
    await connection.close()
    assert [row["relname"] for row in await shop.look(MONTHS)] == before[1:]
