"""The loop that mails reset codes. Whoever asked has had an answer by then, the same for every address."""

import asyncio
import logging
from contextlib import suppress

from account import model
from account.model import Purpose
from account.proofs import Proofs, TooManyCodes
from account.repository import accounts, requests
from common.messaging.outbox import Outbox
from common.postgres.database import UNAVAILABLE, Database, Transaction

log = logging.getLogger(__name__)

EVERY = 1.0
AT_ONCE = 100


class Resets:
    """Any number of replicas may run it. What one has taken and not done, another finds again."""

    def __init__(self, db: Database, outbox: Outbox, proofs: Proofs) -> None:
        self.db = db
        self.outbox = outbox
        self.proofs = proofs
        self._awake = asyncio.Event()

    async def ask(self, tx: Transaction, email: str) -> None:
        """The same work for every address."""
        await requests.add(tx, email)
        tx.after_commit(self._awake.set)

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._awake.wait()
            self._awake.clear()
            try:
                while await self.mail_some() == AT_ONCE:
                    pass
            except UNAVAILABLE as error:
                log.warning("resets: %r", error)

    async def mail_some(self) -> int:
        """An unknown address, an inactive account, or one that was mailed too often, hears nothing."""
        async with self.db.begin() as tx:
            emails = await requests.take(tx, AT_ONCE)
            codes = []
            for account in await accounts.lock_active(tx, emails):
                with suppress(TooManyCodes):
                    codes.append((account, await self.proofs.issue(tx, account, Purpose.RESET)))
            await self.outbox.put(tx, [model.password_reset(account, code) for account, code in codes])
        return len(emails)
