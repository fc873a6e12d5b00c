"""The database itself: what it forbids, and to whom."""

import asyncpg
import pytest

from common.postgres.migrate import on_database
from tests.integration.product.conftest import Shop

PUT_IN = "INSERT INTO reservations (purchase_id, status, reason, total, currency_code) "
PRODUCT = """
WITH category AS (
  INSERT INTO categories (id, owner_id, name, description)
  VALUES (gen_random_uuid(), gen_random_uuid(), '', '') RETURNING id
), product AS (
  INSERT INTO products (id, seller_id, category_id, name, description, brand_name, price, currency_code)
  SELECT gen_random_uuid(), gen_random_uuid(), id, '', '', '', 1, 'VND' FROM category RETURNING id
)
INSERT INTO stock (product_id, received, available) SELECT id, 5, 5 FROM product
"""


async def test_the_migrations_make_what_the_tables_say(shop: Shop) -> None:
    await on_database(shop.owner_url, "product", "check")


async def test_the_runtime_role_changes_no_schema(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.url)
    for forbidden in (
        "CREATE TABLE mine (id int)",
        "DROP TABLE stock",
        "ALTER TABLE stock DROP CONSTRAINT ck_stock_available",
        "TRUNCATE reservations",
        "COPY stock TO PROGRAM 'true'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()


async def test_the_database_itself_forbids_what_must_never_be(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.url)
    await connection.execute(PRODUCT)
    for impossible in (
        "UPDATE stock SET available = -1",
        "UPDATE stock SET available = received + 1",
        "UPDATE products SET price = 0",
        "UPDATE products SET category_id = NULL",
        PUT_IN + "VALUES (gen_random_uuid(), 'LOST', NULL, 0, NULL)",
        PUT_IN + "VALUES (gen_random_uuid(), 'DONE', NULL, 0, 'VND')",
        PUT_IN + "VALUES (gen_random_uuid(), 'REFUSED', NULL, 0, NULL)",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(impossible)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await connection.execute("DELETE FROM categories")
    await connection.close()
