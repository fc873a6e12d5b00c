"""Pictures and videos: pending, then stored, then removed."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from common.postgres.database import Row, Transaction, columns
from media.model import Format, Media

FIELDS = "id, product_id, account_id, format, alt, width, height, size, created_at"
ADD = """
INSERT INTO media (id, product_id, account_id, format, alt, width, height, size, due_at)
SELECT *, now() + make_interval(secs => $9) FROM unnest(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bigint[]
)
"""
STORE = f"""
UPDATE media SET status = 'STORED' WHERE id = ANY($1::uuid[]) AND status = 'PENDING' RETURNING {FIELDS}
"""
FIND = f"SELECT {FIELDS} FROM media WHERE id = $1 AND status = 'STORED'"
PAGE = f"""
SELECT {FIELDS} FROM media
WHERE product_id = $1 AND id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
  AND status = 'STORED'
ORDER BY id OFFSET $3 LIMIT $4
"""
# Also of one that is removed: whoever was told to try again may.
OWNER = """
SELECT media.product_id, products.seller_id FROM media LEFT JOIN products USING (product_id)
WHERE id = $1 AND status <> 'PENDING'
"""
REMOVE = f"""
UPDATE media SET status = 'REMOVED', due_at = now() + make_interval(secs => $2)
WHERE id = ANY($1::uuid[]) RETURNING {FIELDS}
"""
REMOVE_OF = """
UPDATE media SET status = 'REMOVED', due_at = now() WHERE product_id = ANY($1::uuid[]) AND status <> 'REMOVED'
"""
# What is pending for so long never will be stored. The time is a lease: whoever dies with it loses it.
CLAIM = f"""
UPDATE media SET status = 'REMOVED', due_at = now() + make_interval(secs => $2)
WHERE id IN (
  SELECT id FROM media WHERE status <> 'STORED' AND due_at <= now()
  ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING {FIELDS}
"""
FORGET = "DELETE FROM media WHERE id = $1 AND status = 'REMOVED'"
NOBODYS = """
SELECT id FROM unnest($1::uuid[]) AS asked (id) WHERE NOT EXISTS (SELECT FROM media WHERE media.id = asked.id)
"""
STORED_AFTER = f"""
SELECT {FIELDS} FROM media
WHERE status = 'STORED' AND id > $1 AND created_at < now() - make_interval(secs => $3)
ORDER BY id LIMIT $2
"""


class Owned(NamedTuple):
    product_id: UUID
    seller_id: UUID | None


async def add(tx: Transaction, new: Sequence[Media], *, pending_seconds: float) -> None:
    rows = [
        (each.id, each.product_id, each.account_id, each.format, each.alt, each.width, each.height, each.size)
        for each in new
    ]
    await tx.execute(ADD, *columns(rows, 8), pending_seconds)


async def store(tx: Transaction, ids: Sequence[UUID]) -> list[Media]:
    """Those that are still wanted, in their order: what took too long, or whose product is gone, is not."""
    return sorted(map(_media, await tx.fetch(STORE, ids)), key=lambda each: each.id)


async def find(tx: Transaction, media_id: UUID) -> Media | None:
    row = await tx.row(FIND, media_id)
    return _media(row) if row else None


async def page(tx: Transaction, product_id: UUID, after: UUID | None, offset: int, limit: int) -> list[Media]:
    """In the order in which they came."""
    return [_media(row) for row in await tx.fetch(PAGE, product_id, after, offset, limit)]


async def owner(tx: Transaction, media_id: UUID) -> Owned | None:
    row = await tx.row(OWNER, media_id)
    return Owned(*row) if row else None


async def remove(tx: Transaction, ids: Sequence[UUID], *, lease_seconds: float) -> list[Media]:
    """From now on nobody sees them. The sweep leaves them to the caller while the lease runs."""
    return [_media(row) for row in await tx.fetch(REMOVE, ids, lease_seconds)]


async def remove_of(tx: Transaction, product_ids: Sequence[UUID]) -> None:
    """All of these products, whenever somebody gets to it."""
    await tx.execute(REMOVE_OF, product_ids)


async def claim(tx: Transaction, *, limit: int, lease_seconds: float) -> list[Media]:
    """Removed but not finished, and pending for too long; nobody else gets them while the lease runs."""
    return [_media(row) for row in await tx.fetch(CLAIM, limit, lease_seconds)]


async def forget(tx: Transaction, media_id: UUID) -> None:
    await tx.execute(FORGET, media_id)


async def nobodys(tx: Transaction, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that no row has."""
    return {row["id"] for row in await tx.fetch(NOBODYS, ids)}


async def stored_after(tx: Transaction, after: UUID, limit: int, *, seconds: float) -> list[Media]:
    """In the order of their ids, without those of the last `seconds`."""
    return [_media(row) for row in await tx.fetch(STORED_AFTER, after, limit, seconds)]


def _media(row: Row) -> Media:
    known = dict(row)
    return Media(**known | {"format": Format(known["format"])})
