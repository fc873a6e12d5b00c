"""For the cache: a product with the versions of its parts, and which products there are."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from common.postgres.database import Row, Transaction
from product.model.catalogue import Product
from product.repository import lists

# Whoever writes a row, and however, is its xmin.
MARK = "p.xmin AS product_mark, stock.xmin AS stock_mark"
FIND = f"""
SELECT {lists.SHOWN}, stock.version AS level, {MARK}
FROM products p JOIN stock ON product_id = id
WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL
"""
MARKS = f"""
SELECT id, {MARK}
FROM products p JOIN stock ON product_id = id
WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL
"""
IDS = "SELECT id FROM products WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2"


class Shown(NamedTuple):
    """`level` counts the changes of the stock; `mark` names the two rows."""

    product: Product
    level: int
    mark: tuple[int, int]


async def find(tx: Transaction, product_ids: Sequence[UUID]) -> list[Shown]:
    """Those that are sold."""
    return [_shown(row) for row in await tx.fetch(FIND, product_ids)]


async def marks(tx: Transaction, product_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Of those that are sold."""
    return {row[0]: (row[1], row[2]) for row in await tx.fetch(MARKS, product_ids)}


async def ids(tx: Transaction, after: UUID, limit: int) -> Sequence[UUID]:
    """In order."""
    return [row["id"] for row in await tx.fetch(IDS, after, limit)]


def _shown(row: Row) -> Shown:
    *_, level, product_mark, stock_mark = row
    product = Product(**{name: row[name] for name in Product.__struct_fields__})
    return Shown(product, level, (product_mark, stock_mark))
