"""The loops that finish what was begun, and compare what is written with what is there."""

import asyncio
import logging
import random
from contextlib import suppress
from uuid import UUID

from common.postgres.database import UNAVAILABLE, Database
from media.intake import LEASE_SECONDS, Intake
from media.model import PUBLIC, Media, owner
from media.repository import media
from media.store import PAGE, Store

log = logging.getLogger(__name__)

AT_ONCE = 50
MOST_LOST = 100
"""Rows whose object is gone: more of them at once are a store that lost its disk, and no matter of rows."""
NOBODY = UUID(int=0)


class Sweeps:
    """Every replica may: what one has in hand the others pass over, and to remove twice is no harm."""

    def __init__(
        self,
        db: Database,
        store: Store,
        intake: Intake,
        *,
        every: float,
        compare_every: float,
        pending: float,
    ) -> None:
        self.db = db
        self.store = store
        self.intake = intake
        self.every = every
        self.compare_every = compare_every
        self.pending = pending
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is something to remove."""
        self._woken.set()

    async def finish(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                while await self.sweep() == AT_ONCE:
                    pass
            except UNAVAILABLE as error:
                log.warning("nothing is removed now: %r", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.every * random.uniform(0.8, 1.2)):  # noqa: S311  # jitter
                    await self._woken.wait()
            self._woken.clear()

    async def sweep(self) -> int:
        """How many were due. Raises StoreAway."""
        self.store.expect()
        async with self.db.begin() as tx:
            due = await media.claim(tx, limit=AT_ONCE, lease_seconds=LEASE_SECONDS)
        for row in due:
            await self.intake.finish(row)
        return len(due)

    async def compare(self) -> None:
        """Runs until cancelled."""
        while True:
            await asyncio.sleep(self.compare_every * random.uniform(0.8, 1.2))  # noqa: S311  # jitter
            try:
                await self.remove_strays()
                await self.remove_lost()
            except UNAVAILABLE as error:
                log.warning("rows and objects are not compared now: %r", error)

    async def remove_strays(self) -> int:
        """Objects without a row. A row comes before its objects, so that nobody is at work on one."""
        strays = 0
        for bucket in PUBLIC:
            after = ""
            while names := await self.store.names(bucket, after):
                for name in await self._strays(names):
                    log.warning("%s/%s belongs to nothing and is removed", bucket, name)
                    await self.store.remove(bucket, name)
                    strays += 1
                after = names[-1]
        return strays

    async def _strays(self, names: list[str]) -> list[str]:
        owners = {name: owner(name) for name in names}
        async with self.db.read() as tx:
            nobodys = await media.nobodys(tx, [each for each in set(owners.values()) if each])
        return [name for name, of in owners.items() if of is None or of in nobodys]

    async def remove_lost(self) -> int:
        """Rows without their object."""
        lost: list[Media] = []
        after = NOBODY
        while rows := await self._stored(after):
            lost += [row for row in rows if not await self.store.has(row.bucket, row.name)]
            after = rows[-1].id
        if len(lost) > MOST_LOST:
            log.error("%d pictures are not in the object store: has it lost its disk?", len(lost))
            return 0
        for row in lost:
            log.warning("%s has lost its object and is removed", row.id)
        await self.intake.remove([row.id for row in lost])
        return len(lost)

    async def _stored(self, after: UUID) -> list[Media]:
        async with self.db.read() as tx:
            return await media.stored_after(tx, after, PAGE, seconds=self.pending)
