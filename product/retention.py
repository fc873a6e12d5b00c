"""The ledger's partitions: the next month is there before it comes, and the oldest go."""

import asyncio
import logging

from common.postgres.database import UNAVAILABLE, Database
from product.repository import stock

log = logging.getLogger(__name__)

EVERY = 3600.0


class Retention:
    """Every replica may; one at a time does."""

    def __init__(self, db: Database, *, keep_months: int) -> None:
        self.db = db
        self.keep_months = keep_months

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                async with self.db.begin() as tx:
                    await stock.maintain_movements(tx, self.keep_months)
            except UNAVAILABLE as error:
                log.warning("the ledger's months: %r", error)
                await asyncio.sleep(5)
            else:
                await asyncio.sleep(EVERY)
