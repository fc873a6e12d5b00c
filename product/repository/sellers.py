"""Whose the products are."""

from collections.abc import Sequence
from uuid import UUID

from common.contracts.product import Sold
from common.postgres.database import Transaction

SOLD = "SELECT id, seller_id FROM products WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL"


async def of(tx: Transaction, product_ids: Sequence[UUID]) -> list[Sold]:
    return [Sold(**row) for row in await tx.fetch(SOLD, product_ids)]
