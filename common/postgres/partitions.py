"""Keeps the inbox's and the outbox's partitions a day ahead."""

import asyncio
import logging

from common.postgres.database import UNAVAILABLE, Database

log = logging.getLogger(__name__)

EVERY = 3600.0


async def keep_partitions(db: Database) -> None:
    """Runs until cancelled; every replica may, only one at a time does."""
    while True:
        try:
            async with db.begin() as tx:
                await tx.execute("SELECT maintain_partitions()")
        except UNAVAILABLE as error:
            log.warning("partitions: %r", error)
            await asyncio.sleep(5)
        else:
            await asyncio.sleep(EVERY)
