"""Uploads past the shop: a link to a private place of the object store, and then the same checks as ever."""

import asyncio
import logging
import random
from contextlib import ExitStack
from datetime import datetime
from uuid import UUID

from common.ids import new_id
from common.postgres.database import UNAVAILABLE, Database
from media.inspection import Inspector
from media.intake import Intake, Item
from media.model import STAGED, Kind, Media, Staged, owner
from media.repository import staged
from media.spool import Spool, nameless

log = logging.getLogger(__name__)

MOST = 8
"""Links of an account at the same time."""
TO_HAND_IN = 3600.0
"""Seconds, beyond the end of a link."""
EVERY = 60.0


class TooMany(Exception):
    """The account has links enough."""


class NotThere(Exception):
    """Nothing came by the link, or not yet."""


class Staging:
    def __init__(
        self,
        db: Database,
        intake: Intake,
        inspector: Inspector,
        *,
        limits: dict[Kind, int],
        folder: str | None,
    ) -> None:
        self.db = db
        self.intake = intake
        self.store = intake.store
        self.inspector = inspector
        self.limits = limits
        self.folder = folder

    async def offer(
        self, account_id: UUID, product_id: UUID, alt: str, size: int
    ) -> tuple[UUID, str, datetime]:
        """Whose it is, where to put exactly so many bytes, and until when. Raises TooMany."""
        row = Staged(id=new_id(), product_id=product_id, account_id=account_id, alt=alt)
        url, until = self.store.upload_link(STAGED, str(row.id), size)
        seconds = self.store.link_seconds + TO_HAND_IN
        async with self.db.begin() as tx:
            if not await staged.offer(tx, row, seconds=seconds, most=MOST):
                raise TooMany
        return row.id, url, until

    async def hand_in(self, staged_id: UUID, account_id: UUID) -> list[Media] | None:
        """None for what is not the account's. Raises NotThere, and whatever an upload does.

        What does not pass is gone; what could not be looked at now may be handed in again.
        """
        async with self.db.begin() as tx:
            row = await staged.take(tx, staged_id, account_id)
        if row is None:
            return None
        try:
            stored = await self._keep(row)
        except (OSError, TimeoutError, NotThere):
            async with self.db.begin() as tx:
                await staged.offer(tx, row, seconds=TO_HAND_IN, most=MOST + 1)
            raise
        except Exception:
            await self.store.remove(STAGED, str(row.id))
            raise
        await self.store.remove(STAGED, str(row.id))
        return stored

    async def _keep(self, row: Staged) -> list[Media]:
        with ExitStack() as until:
            spool = Spool(nameless(self.folder, until), self.limits)
            async with self.store.read(STAGED, str(row.id)) as chunks:
                if chunks is None:
                    raise NotThere
                async for chunk in chunks:
                    await spool.write(chunk)
            sent = await spool.finished()
            made = await self.inspector.look(sent.file, sent.format, until)
            return await self.intake.keep(row.account_id, row.product_id, [Item(made, row.alt)])

    async def run(self) -> None:
        """Runs until cancelled. Every replica may."""
        while True:
            await asyncio.sleep(EVERY * random.uniform(0.8, 1.2))  # noqa: S311  # jitter
            try:
                await self.sweep()
            except UNAVAILABLE as error:
                log.warning("what nobody handed in stays for now: %r", error)

    async def sweep(self) -> None:
        """What nobody can hand in any more goes. Raises StoreAway."""
        async with self.db.read() as tx:
            await staged.expire(tx)
        after = ""
        while names := await self.store.names(STAGED, after):
            ids = {name: owner(name) for name in names}
            async with self.db.read() as tx:
                unknown = await staged.unknown(tx, [each for each in ids.values() if each])
            for name in (name for name, of in ids.items() if of is None or of in unknown):
                await self.store.remove(STAGED, name)
            after = names[-1]
