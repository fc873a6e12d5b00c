"""Categories."""

from uuid import UUID

from common.ids import new_id
from common.postgres.database import Row, Transaction
from product.model.catalogue import Category, CategoryChanges, NewCategory, unset_as_null

ADD = "INSERT INTO categories (id, owner_id, name, description) VALUES ($1, $2, $3, $4) RETURNING *"
FIND = "SELECT * FROM categories WHERE id = $1"
OWNER = "SELECT owner_id FROM categories WHERE id = $1"
PAGE = """
SELECT * FROM categories
WHERE id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY id DESC OFFSET $2 LIMIT $3
"""
CHANGE = """
UPDATE categories
SET name = coalesce($2, name), description = coalesce($3, description), updated_at = now()
WHERE id = $1 RETURNING *
"""
# Whoever puts a product into a category holds a key share lock on it: after LOCK, DELETE sees them all.
LOCK = "SELECT id FROM categories WHERE id = $1 FOR UPDATE"
DELETE = """
DELETE FROM categories
WHERE id = $1 AND NOT EXISTS (SELECT FROM products WHERE category_id = $1) RETURNING id
"""
HOLD = "SELECT id FROM categories WHERE id = $1 FOR KEY SHARE"


async def add(tx: Transaction, owner_id: UUID, new: NewCategory) -> Category:
    row = await tx.row(ADD, new_id(), owner_id, new.name, new.description)
    assert row is not None
    return _category(row)


async def find(tx: Transaction, category_id: UUID) -> Category | None:
    row = await tx.row(FIND, category_id)
    return _category(row) if row else None


async def owner(tx: Transaction, category_id: UUID) -> UUID | None:
    found: UUID | None = await tx.value(OWNER, category_id)
    return found


async def page(tx: Transaction, before: UUID | None, offset: int, limit: int) -> list[Category]:
    """Newest first."""
    return [_category(row) for row in await tx.fetch(PAGE, before, offset, limit)]


async def change(tx: Transaction, category_id: UUID, changes: CategoryChanges) -> Category | None:
    row = await tx.row(CHANGE, category_id, *unset_as_null(changes))
    return _category(row) if row else None


async def delete_unused(tx: Transaction, category_id: UUID) -> bool:
    """False when a product is in it."""
    await tx.value(LOCK, category_id)
    return await tx.value(DELETE, category_id) is not None


async def hold(tx: Transaction, category_id: UUID) -> bool:
    """Whether it exists; if so, it stays until the transaction ends."""
    return await tx.value(HOLD, category_id) is not None


def _category(row: Row) -> Category:
    return Category(**row)
