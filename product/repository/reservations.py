"""Reservations, one row per purchase, locked in the order of their ids and before any stock."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

from common.contracts.message import Item
from common.postgres.database import Row, Transaction, columns
from product.model.reservation import Reason, Reservation, Status

ENTER = """
INSERT INTO reservations (purchase_id, status) SELECT id, 'NEW' FROM unnest($1::uuid[]) AS id
ON CONFLICT DO NOTHING RETURNING purchase_id
"""
LOCK = """
SELECT purchase_id, status, reason, items, total, currency_code FROM reservations
WHERE purchase_id = ANY($1::uuid[]) ORDER BY purchase_id FOR UPDATE
"""
SAVE = """
UPDATE reservations
SET status = changed.status, reason = changed.reason, items = changed.items, total = changed.total,
    currency_code = changed.currency_code, updated_at = now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::bigint[], $6::text[])
  AS changed (purchase_id, status, reason, items, total, currency_code)
WHERE reservations.purchase_id = changed.purchase_id
"""


async def lock(tx: Transaction, purchase_ids: Iterable[UUID]) -> dict[UUID, Reservation]:
    """The purchases' rows, also of those that nothing was heard of before."""
    ids = sorted(set(purchase_ids))
    held = {row["purchase_id"]: Reservation() for row in await tx.fetch(ENTER, ids)}
    if known := [each for each in ids if each not in held]:
        held |= {row["purchase_id"]: _reservation(row) for row in await tx.fetch(LOCK, known)}
    return held


async def save(tx: Transaction, reservations: Mapping[UUID, Reservation]) -> None:
    if reservations:
        rows = ((each, *msgspec.structs.astuple(row)) for each, row in reservations.items())
        await tx.execute(SAVE, *columns(rows, 6))


def _reservation(row: Row) -> Reservation:
    return Reservation(
        status=Status(row["status"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        items=msgspec.convert(row["items"], tuple[Item, ...]),
        total=row["total"],
        currency_code=row["currency_code"],
    )
