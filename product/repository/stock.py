"""Stock: the sellers' changes of one product, the purchases' of many. Locked in id order, after all else."""

from collections.abc import Collection
from uuid import UUID

from common.postgres.database import Row, Transaction, columns
from product.model.announcements import Level
from product.model.reservation import Shelf, Ware

LOCK = """
SELECT available FROM stock JOIN products ON id = product_id
WHERE product_id = $1 AND deleted_at IS NULL FOR UPDATE OF stock
"""
RESTOCK = """
UPDATE stock SET received = received + $2 - available, available = $2, version = version + 1
WHERE product_id = $1
RETURNING product_id, available, version, (now() AT TIME ZONE 'utc')::date AS changed_on
"""
LOCK_SHELF = """
SELECT id, name, brand_name, price, currency_code, deleted_at IS NULL AS is_sold, available
FROM stock JOIN products ON id = product_id
WHERE product_id = ANY($1::uuid[]) ORDER BY product_id FOR UPDATE OF stock
"""
SAVE = """
UPDATE stock SET available = changed.available, version = version + 1
FROM unnest($1::uuid[], $2::bigint[]) AS changed (product_id, available)
WHERE stock.product_id = changed.product_id
RETURNING stock.product_id, stock.available, version, (now() AT TIME ZONE 'utc')::date AS changed_on
"""
LEVEL = """
SELECT product_id, available, version, (now() AT TIME ZONE 'utc')::date AS changed_on
FROM stock WHERE product_id = $1
"""


async def lock(tx: Transaction, product_id: UUID) -> int | None:
    """What can be bought of a product that is sold."""
    available: int | None = await tx.value(LOCK, product_id)
    return available


async def restock(tx: Transaction, product_id: UUID, available: int) -> Level:
    """The difference was put in, or taken out, by the seller."""
    return _level(await tx.row(RESTOCK, product_id, available))


async def level(tx: Transaction, product_id: UUID) -> Level:
    return _level(await tx.row(LEVEL, product_id))


async def lock_shelf(tx: Transaction, product_ids: Collection[UUID]) -> Shelf:
    """Unknown products are not on it; those that are no longer sold are."""
    if not product_ids:
        return {}
    return {row["id"]: _ware(*row) for row in await tx.fetch(LOCK_SHELF, list(product_ids))}


async def save(tx: Transaction, shelf: Shelf) -> list[Level]:
    if not shelf:
        return []
    rows = await tx.fetch(SAVE, *columns(((each, ware.available) for each, ware in shelf.items()), 2))
    return [Level(*row) for row in rows]


def _ware(
    _id: UUID,
    name: str,
    brand_name: str,
    price: int,
    currency_code: str,
    is_sold: bool,
    available: int,
) -> Ware:
    return Ware(
        name=name,
        brand_name=brand_name,
        price=price,
        currency_code=currency_code,
        is_sold=is_sold,
        available=available,
    )


def _level(row: Row | None) -> Level:
    assert row is not None
    return Level(*row)
