"""What a process knows of who may still call, so that no request has to ask."""

import asyncio
import logging
import time
from collections.abc import Callable, Set
from uuid import UUID

from common.postgres.database import UNAVAILABLE, Database, DatabaseAway
from common.standing import repository
from common.standing.repository import News, State

log = logging.getLogger(__name__)

EVERY = 0.3
OVERLAP = 10.0
"""A transaction may commit as long after its statement as that, and is not missed by the next look."""
WHOLE_EVERY = 60.0
"""Everything is read again: that finds what came later still, and forgets what is older than any token."""
MARGIN = 60.0
"""Between the clocks of account and of this database."""
PATIENCE = 5.0


class Known:
    """A view of the service's own tables, a third of a second old at most.

    A word reaches one replica, so every process looks for itself. While the database is away, what is known
    stays known.
    """

    def __init__(self, db: Database, *, token_seconds: float) -> None:
        self.db = db
        self.seconds = token_seconds + MARGIN
        self.states: dict[UUID, State] = {}
        self.ended: dict[UUID, UUID] = {}
        self._told: list[Callable[[Set[UUID]], None]] = []
        self._first_look = asyncio.Event()

    def on_news(self, callback: Callable[[Set[UUID]], None]) -> None:
        """Is told the accounts about which something new is known; must not block."""
        self._told.append(callback)

    async def informed(self) -> None:
        """Returns once anything is known: a new process lets nobody in before. Raises DatabaseAway."""
        if self._first_look.is_set():
            return
        if self.db.outage.is_known:
            raise DatabaseAway("nothing is known of any account yet")
        try:
            async with asyncio.timeout(PATIENCE):
                await self._first_look.wait()
        except TimeoutError as error:
            raise DatabaseAway("nothing is known of any account yet") from error

    async def run(self) -> None:
        """Runs until cancelled."""
        whole_at = time.monotonic()
        while True:
            now = time.monotonic()
            try:
                if now < whole_at:
                    self._learn(await self._look(OVERLAP))
                else:
                    self._replace(await self._look(self.seconds))
                    await self._forget()
                    whole_at = now + WHOLE_EVERY
            except UNAVAILABLE as error:
                log.warning("what account says cannot be read: %r", error)
                whole_at = now
            await asyncio.sleep(EVERY)

    async def _look(self, seconds: float) -> News:
        async with self.db.read() as tx:
            return await repository.changed(tx, seconds)

    async def _forget(self) -> None:
        """In the table, too; any process does it for all."""
        async with self.db.read() as tx:
            await repository.forget_sessions(tx, self.seconds)

    def _learn(self, news: News) -> None:
        told = self._new_in(news)
        self.states.update(news.states)
        self.ended.update(news.ended)
        self._tell(told)

    def _replace(self, news: News) -> None:
        told = self._new_in(news)
        self.states, self.ended = news
        self._first_look.set()
        self._tell(told)

    def _new_in(self, news: News) -> Set[UUID]:
        changed = {each for each, state in news.states.items() if self.states.get(each) != state}
        return changed | {account for each, account in news.ended.items() if each not in self.ended}

    def _tell(self, accounts: Set[UUID]) -> None:
        if accounts:
            for callback in self._told:
                callback(accounts)
