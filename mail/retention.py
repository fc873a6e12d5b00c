"""The loop that forgets: codes when they expire, and that there was a mail when that is long ago."""

import asyncio
import logging
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from common.postgres.database import UNAVAILABLE, Database
from mail import repository

log = logging.getLogger(__name__)

EVERY = 60.0
AT_ONCE = 1000


class Retention:
    """Every replica may; what one has in hand the others pass over."""

    def __init__(self, db: Database, *, keep_days: int) -> None:
        self.db = db
        self.keep_days = keep_days

    async def run(self) -> None:
        """Runs until cancelled. Never in step with the other replicas."""
        while True:
            try:
                await self.expire()
                await self.forget()
            except UNAVAILABLE as error:
                log.warning("nothing is forgotten now: %r", error)
            await asyncio.sleep(EVERY * random.uniform(0.8, 1.2))  # noqa: S311  # jitter

    async def expire(self) -> None:
        """A code that could not be sent in time is not sent late: it counts no longer, and only confuses."""
        async with self.db.read() as tx:
            if count := await repository.expire(tx):
                log.warning("%d codes expired before they could be sent", count)

    async def forget(self) -> None:
        """A thousand at a time, so that no lock is held for long."""
        older_than = least_id(datetime.now(UTC) - timedelta(days=self.keep_days))
        gone = AT_ONCE
        while gone == AT_ONCE:
            async with self.db.read() as tx:
                gone = await repository.forget(tx, older_than=older_than, days=self.keep_days, limit=AT_ONCE)


def least_id(moment: datetime) -> UUID:
    """No UUIDv7 of that moment or later is less."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
