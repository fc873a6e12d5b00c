"""Stock: the sellers' changes of one product, the purchases' of many. Locked in id order, after all else."""

from collections.abc import Collection, Sequence
from uuid import UUID

from common.postgres.database import Row, Transaction, columns
from product.model.announcements import Level
from product.model.ledger import Kind, Moved, Movement, Place
from product.model.reservation import Shelf, Ware

LOCK = """
SELECT available FROM stock JOIN products ON id = product_id
WHERE product_id = $1 AND deleted_at IS NULL FOR UPDATE OF stock
"""
# The row is locked: what the statement sees of it is what it changes.
RESTOCK = """
WITH before AS (
  SELECT available FROM stock WHERE product_id = $1
), changed AS (
  UPDATE stock SET received = received + $2 - available, available = $2, version = version + 1
  WHERE product_id = $1
  RETURNING product_id, available, version
), moved AS (
  INSERT INTO stock_movements (product_id, version, position, kind, change, available, account_id)
  SELECT product_id, version, 1, $3, $2 - before.available, $2, $4 FROM changed, before
)
SELECT *, (now() AT TIME ZONE 'utc')::date AS changed_on FROM changed
"""
LOCK_SHELF = """
SELECT id, name, brand_name, price, currency_code, deleted_at IS NULL AS is_sold, available
FROM stock JOIN products ON id = product_id
WHERE product_id = ANY($1::uuid[]) ORDER BY product_id FOR UPDATE OF stock
"""
# One round trip: what is left of each product, and every movement under the version that it led to.
SAVE = """
WITH changed AS (
  UPDATE stock SET available = left_over.available, version = version + 1
  FROM unnest($1::uuid[], $2::bigint[]) AS left_over (product_id, available)
  WHERE stock.product_id = left_over.product_id
  RETURNING stock.product_id, stock.available, version
), moved AS (
  INSERT INTO stock_movements (product_id, version, position, kind, change, available, purchase_id)
  SELECT product_id, version, position, kind, change, moved.available, purchase_id
  FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[])
    WITH ORDINALITY AS moved (product_id, kind, change, available, purchase_id, position)
  JOIN changed USING (product_id)
)
SELECT *, (now() AT TIME ZONE 'utc')::date AS changed_on FROM changed
"""
MOVEMENTS = """
SELECT version, position, kind, change, available, account_id, purchase_id, moved_at FROM stock_movements
WHERE product_id = $1
  AND (version, position) < (coalesce($2, 9223372036854775807), coalesce($3, 2147483647))
ORDER BY version DESC, position DESC OFFSET $4 LIMIT $5
"""


async def lock(tx: Transaction, product_id: UUID) -> int | None:
    """What can be bought of a product that is sold."""
    available: int | None = await tx.value(LOCK, product_id)
    return available


async def restock(tx: Transaction, product_id: UUID, available: int, kind: Kind, account_id: UUID) -> Level:
    """Of a product that is locked. The difference was put in, or taken out, by the account."""
    return _level(await tx.row(RESTOCK, product_id, available, kind, account_id))


async def lock_shelf(tx: Transaction, product_ids: Collection[UUID]) -> Shelf:
    """Unknown products are not on it; those that are no longer sold are."""
    if not product_ids:
        return {}
    return {row["id"]: _ware(*row) for row in await tx.fetch(LOCK_SHELF, list(product_ids))}


async def save(tx: Transaction, shelf: Shelf, moved: Sequence[Moved]) -> list[Level]:
    """What was moved, and how it left the shelf; one version for all that moved of a product."""
    if not moved:
        return []
    left_over = {each.product_id: shelf[each.product_id].available for each in moved}
    rows = await tx.fetch(SAVE, *columns(left_over.items(), 2), *columns(moved, 5))
    return [Level(*row) for row in rows]


async def movements(
    tx: Transaction, product_id: UUID, before: Place | None, offset: int, limit: int
) -> list[Movement]:
    """The last one first."""
    version, position = before or (None, None)
    rows = await tx.fetch(MOVEMENTS, product_id, version, position, offset, limit)
    return [Movement(**row) for row in rows]


async def maintain_movements(tx: Transaction, keep_months: int) -> None:
    """Makes the partitions of this month and the next, and drops those that are older than that."""
    await tx.execute("SELECT maintain_movements($1)", keep_months)


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
