"""Links to upload that were given out, and whether what they brought was handed in."""

from collections.abc import Sequence
from uuid import UUID

from common.postgres.database import Transaction
from media.model import Staged

# Accounts are few links apart; two at the same moment may be one too many, and that is no harm.
OFFER = """
INSERT INTO staged (id, product_id, account_id, alt, expires_at)
SELECT $1, $2, $3, $4, now() + make_interval(secs => $5)
WHERE (SELECT count(*) FROM staged WHERE account_id = $3 AND expires_at > now()) < $6
RETURNING id
"""
TAKE = """
DELETE FROM staged WHERE id = $1 AND account_id = $2 AND expires_at > now()
RETURNING id, product_id, account_id, alt
"""
EXPIRED = "DELETE FROM staged WHERE expires_at <= now()"
UNKNOWN = """
SELECT id FROM unnest($1::uuid[]) AS asked (id)
WHERE NOT EXISTS (SELECT FROM staged WHERE staged.id = asked.id)
"""


async def offer(tx: Transaction, row: Staged, *, seconds: float, most: int) -> bool:
    """False: the account has as many as it may have."""
    values = (row.id, row.product_id, row.account_id, row.alt, seconds, most)
    return await tx.value(OFFER, *values) is not None


async def take(tx: Transaction, staged_id: UUID, account_id: UUID) -> Staged | None:
    """Once; None for one that is somebody else's, gone, or too old."""
    row = await tx.row(TAKE, staged_id, account_id)
    return Staged(**row) if row else None


async def expire(tx: Transaction) -> None:
    await tx.execute(EXPIRED)


async def unknown(tx: Transaction, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that nobody may hand in (any more)."""
    return {row["id"] for row in await tx.fetch(UNKNOWN, ids)}
