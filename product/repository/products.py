"""Products, each with what can still be bought of it."""

from uuid import UUID

from common.contracts.product import Check, Wish
from common.ids import new_id
from common.postgres.database import Row, Transaction
from product.model import catalogue
from product.model.announcements import Deletion
from product.model.catalogue import NewProduct, Product, ProductChanges, unset_as_null
from product.model.listing import Listed, Listing
from product.repository import lists

# The category is held until the commit: it cannot be deleted in between.
ADD = """
WITH category AS (
  SELECT id FROM categories WHERE id = $3 FOR KEY SHARE
), product AS (
  INSERT INTO products (id, seller_id, category_id, name, description, brand_name, price, currency_code)
  SELECT $1, $2, id, $4, $5, $6, $7, $8 FROM category RETURNING id
), stocked AS (
  INSERT INTO stock (product_id, received, available) SELECT id, $9, $9 FROM product RETURNING product_id
)
INSERT INTO stock_movements (product_id, version, position, kind, change, available, account_id)
SELECT product_id, 1, 1, 'received', $9, $9, $2 FROM stocked RETURNING product_id
"""
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


async def add(tx: Transaction, seller_id: UUID, new: NewProduct, currency_code: str) -> UUID | None:
    """None when there is no such category."""
    added: UUID | None = await tx.value(
        ADD,
        new_id(),
        seller_id,
        new.category_id,
        new.name,
        new.description,
        new.brand_name,
        new.price,
        currency_code,
        new.inventory,
    )
    return added


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
