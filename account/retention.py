"""Forgets what nobody needs any more: ended sessions, expired tokens, codes."""

import asyncio
import logging

from account.repository import leftovers
from account.settings import AccountSettings
from common.postgres.database import UNAVAILABLE, Database

log = logging.getLogger(__name__)

EVERY = 600.0
AT_ONCE = 1000
DAY = 86_400.0


class Retention:
    """Any number of replicas may run it: rows that another one holds are skipped."""

    def __init__(self, db: Database, settings: AccountSettings) -> None:
        self.db = db
        sessions, codes = settings.keep_sessions_days * DAY, max(settings.keep_codes_days, 1 / 24) * DAY
        self._kept = ((leftovers.TOKENS, sessions), (leftovers.SESSIONS, sessions), (leftovers.CODES, codes))

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                await self.sweep()
            except UNAVAILABLE as error:
                log.warning("sweeping: %r", error)
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """In short transactions, so that nobody waits for one."""
        return sum([await self._all_of(statement, seconds) for statement, seconds in self._kept])

    async def _all_of(self, statement: str, seconds: float) -> int:
        swept = 0
        while True:
            async with self.db.read() as tx:  # one statement commits by itself
                deleted = await leftovers.delete(tx, statement, seconds, AT_ONCE)
            swept += deleted
            if deleted < AT_ONCE:
                return swept
