"""Products, as far as it matters here: whose they are, and whether they are still sold."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from common.postgres.database import Transaction, columns

# Words come in any order: an older one changes nothing.
KEEP = """
INSERT INTO products (product_id, seller_id, version, deleted)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bool[])
ON CONFLICT (product_id) DO UPDATE SET (seller_id, version, deleted)
  = (coalesce(excluded.seller_id, products.seller_id), excluded.version, excluded.deleted)
WHERE products.version < excluded.version
"""
FIND = "SELECT seller_id, deleted FROM products WHERE product_id = $1"
HOLD = "SELECT true FROM products WHERE product_id = $1 AND NOT deleted FOR SHARE"


class Told(NamedTuple):
    """What a word says of a product; of one that is deleted it does not say whose it was."""

    product_id: UUID
    seller_id: UUID | None
    version: int
    deleted: bool


class Known(NamedTuple):
    seller_id: UUID | None
    deleted: bool


async def keep(tx: Transaction, told: Iterable[Told]) -> None:
    """At most one of each."""
    rows = sorted(told, key=lambda each: each.product_id)
    if rows:
        await tx.execute(KEEP, *columns(rows, 4))


async def find(tx: Transaction, product_id: UUID) -> Known | None:
    row = await tx.row(FIND, product_id)
    return Known(*row) if row else None


async def hold(tx: Transaction, product_id: UUID) -> bool:
    """Whether it is sold; until the transaction ends it is not deleted."""
    return bool(await tx.value(HOLD, product_id))
