"""An upload that was looked at becomes rows and objects; and how they go again.

The row is first and last: pending, objects, stored; removed, no objects, no row. Whoever dies in between
leaves a row that says so, and `sweeps.py` finishes what it began.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from common.failpoints import failpoint
from common.ids import new_id
from common.postgres.database import Database
from media.inspection import Made
from media.model import Media, thumbnail
from media.repository import media, products
from media.store import Store

LEASE_SECONDS = 30.0
"""Within which whoever removes something has finished, or another one may try."""


class Gone(Exception):
    """The product is not sold any more, or the upload took too long."""


class Item(NamedTuple):
    made: Made
    alt: str


class Intake:
    def __init__(self, db: Database, store: Store, *, pending_seconds: float) -> None:
        self.db = db
        self.store = store
        self.pending_seconds = pending_seconds

    async def keep(self, account_id: UUID, product_id: UUID, items: Sequence[Item]) -> list[Media]:
        """All of them or none. Raises Gone or StoreAway."""
        ids = sorted(new_id() for _ in items)  # as lists are: in the order in which they were sent
        new = [_row(*of, account_id, product_id) for of in zip(ids, items, strict=True)]
        async with self.db.begin() as tx:
            if not await products.hold(tx, product_id):
                raise Gone
            await media.add(tx, new, pending_seconds=self.pending_seconds)
        failpoint("media.before_objects")
        try:
            for row, item in zip(new, items, strict=True):
                await self._put(row, item.made)
            failpoint("media.before_stored")
            stored = await self._stored(new)
        except BaseException:
            await self._give_up([row.id for row in new])
            raise
        failpoint("media.before_answer")
        return stored

    async def remove(self, ids: Sequence[UUID]) -> None:
        """Raises StoreAway: then they are shown no more, and go later."""
        self.store.expect()
        async with self.db.begin() as tx:
            rows = await media.remove(tx, ids, lease_seconds=LEASE_SECONDS)
        failpoint("media.before_removing")
        for row in rows:
            await self.finish(row)

    async def finish(self, row: Media) -> None:
        """The objects of a row that is removed, and then the row. Raises StoreAway."""
        for name in row.objects():
            await self.store.remove(row.bucket, name)
            failpoint("media.between_removals")
        failpoint("media.before_forgetting")
        async with self.db.read() as tx:
            await media.forget(tx, row.id)

    async def _put(self, row: Media, made: Made) -> None:
        names = [row.name, *(thumbnail(row.id, edge) for edge in row.edges)]
        for name, file in zip(names, made.files, strict=True):
            await self.store.put(row.bucket, name, file, row.format, row.filename)
            failpoint("media.between_objects")

    async def _stored(self, new: Sequence[Media]) -> list[Media]:
        async with self.db.begin() as tx:
            stored = await media.store(tx, [row.id for row in new])
            if len(stored) < len(new):
                raise Gone
        return stored

    async def _give_up(self, ids: Sequence[UUID]) -> None:
        """So that the sweep need not wait until it is clear that nobody is at it any more."""
        async with self.db.begin() as tx:
            await media.remove(tx, ids, lease_seconds=0)


def _row(media_id: UUID, item: Item, account_id: UUID, product_id: UUID) -> Media:
    made = item.made
    return Media(
        id=media_id,
        product_id=product_id,
        account_id=account_id,
        format=made.format,
        alt=item.alt,
        width=made.width,
        height=made.height,
        size=made.files[0].seek(0, 2),
    )
