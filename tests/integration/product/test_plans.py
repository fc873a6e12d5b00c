"""With ten thousand products, no list reads and sorts them all."""

import json
from collections.abc import Iterator
from typing import Any

import asyncpg

from product.model.listing import Filter, Listing, Place, Sort
from product.repository import lists
from tests.integration.product.conftest import Shop
from tests.people import SELLER

PRODUCTS = 10_000
FILL = """
WITH category AS (
  INSERT INTO categories (id, owner_id, name, description)
  SELECT gen_random_uuid(), $1, 'Shelf ' || n, '' FROM generate_series(1, 12) AS n RETURNING id, name
), product AS (
  INSERT INTO products (id, seller_id, category_id, name, description, brand_name, price, currency_code)
  SELECT gen_random_uuid(), CASE n % 10 WHEN 0 THEN $1 ELSE gen_random_uuid() END, category.id,
         'Thing ' || md5(n::text), '', 'Brand' || n % 50, 1 + n * 7919 % 100000, 'VND'
  FROM generate_series(1, $2::integer) AS n JOIN category ON name = 'Shelf ' || (n % 12 + 1) RETURNING id
)
INSERT INTO stock (product_id, received, available) SELECT id, 5, 5 FROM product
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def middle(sort: Sort, product: asyncpg.Record) -> Place:
    return tuple(product[column] for column in lists.ORDERS[sort].columns)


async def test_every_list_has_an_index(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.url)
    await connection.execute("SET jit = off")
    await shop.look(FILL, SELLER, PRODUCTS)
    await shop.look("ANALYZE products, stock")
    product = await connection.fetchrow("SELECT * FROM products ORDER BY md5(id::text) LIMIT 1")
    assert product is not None

    async def plan(listing: Listing) -> list[dict[str, Any]]:
        statement, values = lists.statement(listing)
        [[told]] = await connection.fetch(f"EXPLAIN (FORMAT JSON) {statement}", *values)
        return list(nodes(json.loads(told)[0]["Plan"]))

    for sort in Sort:
        for wanted in (Filter(), *narrowed(product)):
            for after in (None, middle(sort, product)):
                used = await plan(Listing(wanted, sort, after, 0, 21))
                case = (sort, wanted, after, used)
                assert "Seq Scan" not in {each["Node Type"] for each in used}, case
                sorted_rows = [each["Plan Rows"] for each in used if each["Node Type"] == "Sort"]
                most = PRODUCTS / 5 if wanted != Filter() else 0
                assert all(rows <= most for rows in sorted_rows), case
    await connection.close()


def narrowed(product: asyncpg.Record) -> list[Filter]:
    """Few and many, with words that are everywhere and words that are nowhere else."""
    return [
        Filter(seller_id=SELLER),
        Filter(category_id=product["category_id"]),
        Filter(available=True),
        Filter(min_price=500, max_price=900, currency_code="VND"),
        Filter(min_price=500, currency_code="VND"),
        Filter(words="brand7"),
        Filter(words=product["name"][:12]),
        Filter(words="thing", category_id=product["category_id"], available=True),
    ]
