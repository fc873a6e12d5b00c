"""Products, each with what can still be bought of it."""

from collections.abc import Sequence
from uuid import UUID

from common.contracts.product import Check, Wish
from common.ids import new_id
from common.postgres.database import Row, Transaction, columns
from product.model import catalogue
from product.model.announcements import Deletion
from product.model.catalogue import NewProduct, Product, ProductChanges, unset_as_null
from product.model.listing import Listed, Listing
from product.repository import lists

# Their categories are held until the commit: none can be deleted in between.
ADD = """
WITH wanted AS (
  SELECT * FROM unnest(
    $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::bigint[]
  ) AS wanted (id, category_id, name, description, brand_name, price, currency_code, inventory)
), held AS (
  SELECT id FROM categories WHERE id IN (SELECT category_id FROM wanted) FOR KEY SHARE
), product AS (
  INSERT INTO products (id, seller_id, category_id, name, description, brand_name, price, currency_code)
  SELECT id, $1, category_id, name, description, brand_name, price, currency_code FROM wanted
  WHERE category_id IN (SELECT id FROM held)
  RETURNING id, seller_id, category_id, name, description, brand_name, price, currency_code, version,
            created_at, updated_at
), stocked AS (
  INSERT INTO stock (product_id, received, available)
  SELECT id, inventory, inventory FROM wanted JOIN product USING (id) RETURNING product_id, available
), moved AS (
  INSERT INTO stock_movements (product_id, version, position, kind, change, available, account_id)
  SELECT product_id, 1, 1, 'received', available, available, $1 FROM stocked
)
SELECT product.*, available AS inventory FROM product JOIN stocked ON product_id = id
"""
OFFERED = ("category_id", "name", "description", "brand_name", "price", "currency_code", "inventory")
FIND = f"""
SELECT {lists.SHOWN}
FROM products p JOIN stock ON product_id = id
WHERE id = $1 AND deleted_at IS NULL
"""
SELLER = "SELECT seller_id FROM products WHERE id = $1 AND deleted_at IS NULL"
LOCK = "SELECT id FROM products WHERE id = $1 FOR NO KEY UPDATE"
CHANGE = """
UPDATE products
SET category_id = coalesce($2, category_id), name = coalesce($3, name),
    description = coalesce($4, description), brand_name = coalesce($5, brand_name),
    price = coalesce($6, price), currency_code = coalesce($7, currency_code),
    version = version + 1, updated_at = now()
WHERE id = $1
"""
DELETE = """
UPDATE products
SET category_id = NULL, version = version + 1, updated_at = now(), deleted_at = now()
WHERE id = $1 AND deleted_at IS NULL
RETURNING version, (now() AT TIME ZONE 'utc')::date AS deleted_on
"""
AVAILABLE = """
SELECT id, available FROM products JOIN stock ON product_id = id
WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL
"""


async def add(tx: Transaction, seller_id: UUID, new: Sequence[NewProduct]) -> list[Product]:
    """Each needs its currency. Those whose category does not exist are left out."""
    rows = ((new_id(), *(getattr(each, name) for name in OFFERED)) for each in new)
    return [_product(row) for row in await tx.fetch(ADD, seller_id, *columns(rows, 1 + len(OFFERED)))]


async def find(tx: Transaction, product_id: UUID) -> Product | None:
    row = await tx.row(FIND, product_id)
    return _product(row) if row else None


async def lock(tx: Transaction, product_id: UUID) -> Product | None:
    """As it is, and as it stays until the transaction ends; its stock goes on moving."""
    await tx.value(LOCK, product_id)
    return await find(tx, product_id)


async def seller(tx: Transaction, product_id: UUID) -> UUID | None:
    found: UUID | None = await tx.value(SELLER, product_id)
    return found


async def page(tx: Transaction, listing: Listing) -> list[Listed]:
    statement, values = lists.statement(listing)
    return [lists.listed(row, listing.sort) for row in await tx.fetch(statement, *values)]


async def change(tx: Transaction, product_id: UUID, changes: ProductChanges) -> None:
    await tx.execute(CHANGE, product_id, *unset_as_null(changes))


async def delete(tx: Transaction, product_id: UUID) -> Deletion | None:
    row = await tx.row(DELETE, product_id)
    return Deletion(**row) if row else None


async def check(tx: Transaction, wishes: list[Wish]) -> Check:
    """As a purchase would see it now, whoever asks and however."""
    rows = await tx.fetch(AVAILABLE, {wish.product_id for wish in wishes})
    return catalogue.check(wishes, {row["id"]: row["available"] for row in rows})


def _product(row: Row) -> Product:
    return Product(**row)
