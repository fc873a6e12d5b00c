"""Categories."""

from uuid import UUID

from common.ids import new_id
from common.postgres.database import Row, Transaction
from product.model.announcements import Deletion
from product.model.catalogue import Category, CategoryChanges, NewCategory, unset_as_null

COLUMNS = "id, owner_id, name, description, version, created_at, updated_at"
ADD = f"""
INSERT INTO categories (id, owner_id, name, description) VALUES ($1, $2, $3, $4) RETURNING {COLUMNS}
"""
FIND = f"SELECT {COLUMNS} FROM categories WHERE id = $1"
LOCK = f"{FIND} FOR NO KEY UPDATE"
OWNER = "SELECT owner_id FROM categories WHERE id = $1"
PAGE = f"""
SELECT {COLUMNS} FROM categories
WHERE id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY id DESC OFFSET $2 LIMIT $3
"""
CHANGE = f"""
UPDATE categories
SET name = coalesce($2, name), description = coalesce($3, description),
    version = version + 1, updated_at = now()
WHERE id = $1 RETURNING {COLUMNS}
"""
# Whoever puts a product into a category holds a key share lock on it: after CLOSE, DELETE sees them all.
CLOSE = "SELECT id FROM categories WHERE id = $1 FOR UPDATE"
DELETE = """
DELETE FROM categories
WHERE id = $1 AND NOT EXISTS (SELECT FROM products WHERE category_id = $1)
RETURNING version + 1 AS version, (now() AT TIME ZONE 'utc')::date AS deleted_on
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


async def lock(tx: Transaction, category_id: UUID) -> Category | None:
    """As it is, and as it stays until the transaction ends; products may come and go."""
    row = await tx.row(LOCK, category_id)
    return _category(row) if row else None


async def change(tx: Transaction, category_id: UUID, changes: CategoryChanges) -> Category:
    """Of one that is locked."""
    row = await tx.row(CHANGE, category_id, *unset_as_null(changes))
    assert row is not None
    return _category(row)


async def delete_unused(tx: Transaction, category_id: UUID) -> Deletion | None:
    """None when a product is in it."""
    await tx.value(CLOSE, category_id)
    row = await tx.row(DELETE, category_id)
    return Deletion(**row) if row else None


async def hold(tx: Transaction, category_id: UUID) -> bool:
    """Whether it exists; if so, it stays until the transaction ends."""
    return await tx.value(HOLD, category_id) is not None


def _category(row: Row) -> Category:
    return Category(**row)
